package sse

import (
	"net/http"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Defaults of the options of a Handler.
const (
	DefaultHeartbeatInterval = 15 * time.Second
	DefaultWriteTimeout      = 10 * time.Second
	DefaultMaxWriteBytes     = 256 << 10
	DefaultMaxTopics         = 16
)

// Handler answers subscriptions: GET with one or more topic parameters. The
// exported fields are its options; set them before the first request. Its
// methods are safe for concurrent use.
type Handler struct {
	// Log holds the topics. Required.
	Log *eventlog.Log
	// Node names this server in stream.open and in connection ids.
	Node string
	// Release is what this server runs, as stream.open and X-Release-Version
	// say it. Empty: "stable".
	Release string
	// HeartbeatInterval is how long a stream is silent before a comment is
	// sent, give or take a tenth. 0: 15 s. Negative: never.
	HeartbeatInterval time.Duration
	// WriteTimeout ends a stream whose client accepted no byte for that long
	// while there was something to send. 0: 10 s.
	WriteTimeout time.Duration
	// MaxWriteBytes bounds what one write carries, unless a single event is
	// larger. 0: 256 KiB.
	MaxWriteBytes int
	// FlushInterval is the shortest time between two sweeps over the same
	// topic: events within it share their writes. 0: as soon as possible.
	FlushInterval time.Duration
	// MaxTopics bounds the topics of one connection. 0: 16.
	MaxTopics int
	// MaxConnections bounds the open streams. 0: no limit.
	MaxConnections int
	// TraceID returns the trace id of a request, for stream.open. May be nil.
	TraceID func(*http.Request) string
	// Reject writes the answer to a subscription that is refused. Nil: a
	// problem document of RFC 9457.
	Reject func(http.ResponseWriter, *http.Request, *Rejection)
	// Observer is told of connections. May be nil.
	Observer Observer

	once   sync.Once
	server *server
}

// Rejection says why a subscription is refused.
type Rejection struct {
	Status int    // of HTTP
	Type   string // short name of the problem, such as "invalid-topic"
	Title  string
	Detail string
	// RetryAfter tells when to come back; 0 where that would not help.
	RetryAfter time.Duration
}

// Reason says why a stream ended.
type Reason string

// The reasons.
const (
	ReasonClient       Reason = "client"        // it hung up
	ReasonWriteTimeout Reason = "write_timeout" // it accepted nothing for too long
	ReasonDrain        Reason = "drain"         // the server shuts down
	ReasonAdmin        Reason = "admin"         // an operator ended it
	ReasonMemory       Reason = "memory"        // it held memory that others needed
	ReasonError        Reason = "error"
)

// Conn describes one open stream.
type Conn struct {
	ID      string // names the connection; holds 128 random bits
	TraceID string
	Remote  string // address of the peer
	Topics  []string
	Release string
	Opened  time.Time
}

// Observer is told what happens to connections, never of single deliveries.
// Its methods are called from delivery loops: they must not block.
type Observer interface {
	// Connected reports an open stream with the outcome for each topic.
	Connected(c *Conn, outcomes []eventlog.Outcome)
	// Gap reports that a connection was told of missing events.
	Gap(c *Conn, gap *eventlog.GapError)
	// Disconnected reports the end of a stream, with what it was sent. The
	// error, where there is one, says more than the reason.
	Disconnected(c *Conn, reason Reason, err error, sent Sent)
}

// Sent counts what went to sockets.
type Sent struct {
	Events uint64
	Bytes  uint64 // accepted by sockets, framing included
}

// Stats are figures of a Handler.
type Stats struct {
	Connections int
	Sent        Sent   // deliveries since the start, exact
	Stalls      uint64 // writes that found a full socket
	Fetches     uint64 // pages read from the store for readers behind the hot tail
}
