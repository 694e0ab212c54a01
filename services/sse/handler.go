package sse

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Defaults of the options of a Handler.
const (
	DefaultHeartbeatInterval = 15 * time.Second
	DefaultPingInterval      = 10 * time.Second
	DefaultPongTimeout       = 3 * time.Second
	DefaultMaxMissedPings    = 2
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
	// Own holds the topics whose names begin with [OwnPrefix]: what this
	// server says of itself. Their events are in no count. May be nil.
	Own *eventlog.Log
	// Node names this server in stream.open and in connection ids.
	Node string
	// Release is what this server runs, as stream.open and X-Release-Version
	// say it. Empty: "stable".
	Release string
	// Releases are all that a caller may be pinned to, with X-Release-Version
	// or release in the query. Others are taken to run Release.
	Releases []string
	// Clients remembers named clients. Nil: they are not remembered.
	Clients Clients
	// HeartbeatInterval is how long a stream is silent before a comment is
	// sent, give or take a tenth. 0: 15 s. Negative: never.
	HeartbeatInterval time.Duration
	// PingInterval is how often a stream with a two-way heartbeat
	// (heartbeat=pong) is sent stream.ping, unless it has something else to be
	// sent. 0: 10 s. Negative: never; the heartbeat is a comment then.
	PingInterval time.Duration
	// PongTimeout is how long [Handler.Pong] has for the answer before the
	// ping counts as missed, PingInterval at most. 0: 3 s. Negative: for ever.
	PongTimeout time.Duration
	// MaxMissedPings is how many pings missed in a row end a stream. 0: 2.
	// Negative: none do.
	MaxMissedPings int
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
	// Admit decides who may subscribe. Nil: everybody.
	Admit Admit
	// Trace returns the trace of a request, for stream.open and the observer.
	// May be nil.
	Trace func(*http.Request) Trace
	// Rejected is told of every refusal, before it is answered. May be nil.
	Rejected func(*http.Request, *Rejection)
	// SocketRTT tells the round trip of a request's connection, for streams
	// whose sockets were not taken over; 0: unknown. It must not block. May be
	// nil.
	SocketRTT func(*http.Request) time.Duration
	// Observer is told of connections. May be nil.
	Observer Observer
	// Meter is told how long deliveries take. Nil: nothing is measured.
	Meter Meter

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
	// Challenge is WWW-Authenticate: what a token has to be like. Empty: none.
	Challenge string

	drains bool // the server is about to end
}

// Reason says why a stream ended.
type Reason string

// The reasons.
const (
	ReasonClient       Reason = "client"        // it hung up
	ReasonWriteTimeout Reason = "write_timeout" // it accepted nothing for too long
	ReasonPongTimeout  Reason = "pong_timeout"  // it left too many pings unanswered
	ReasonTokenExpired Reason = "token_expired" // what admitted it has expired
	ReasonDrain        Reason = "drain"         // the server shuts down
	ReasonAdmin        Reason = "admin"         // an operator ended it
	ReasonMemory       Reason = "memory"        // it held memory that others needed
	ReasonError        Reason = "error"
)

// Conn describes one open stream.
type Conn struct {
	ID        string // names the connection; holds 128 random bits
	Trace     Trace
	Remote    string // address of the peer, or what Admit has in its place
	Subject   string // whose it is; empty where nobody asks
	Topics    []string
	Release   string
	Transport Transport
	Client    string // its client_id, where it is a named client
	Opened    time.Time
}

// Observer is told what happens to connections, never of single deliveries.
// Its methods are called from delivery loops: they must not block.
type Observer interface {
	// Connected reports an open stream, with the outcome for each topic and when
	// its first bytes were out. It has the context of the request, which may
	// have ended. It comes before all else about the stream.
	Connected(ctx context.Context, c *Conn, outcomes []eventlog.Outcome, at time.Time)
	// Replayed reports that a stream has been sent what was there at its
	// handshake.
	Replayed(c *Conn, r Replay)
	// Gap reports that a connection was told of missing events.
	Gap(c *Conn, gap *eventlog.GapError)
	// Ponged reports the time from a ping to its pong.
	Ponged(rtt time.Duration)
	// PingMissed reports a ping whose pong did not come in time.
	PingMissed()
	// Failed reports, once a second at most, that the store could not be read
	// for a stream, which stays open while it is tried again.
	Failed(topic string, err error)
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
	Degraded    int    // connections that have missed pings
	Sent        Sent   // deliveries since the start, exact
	Stalls      uint64 // writes that found a full socket
	Fetches     uint64 // pages read from the store for readers behind the hot tail
	Replaying   int    // reads of pages that wait for their turn

	// Of the deliveries, those of events that were there at the stream's
	// handshake, by where they were read.
	ReplayedMemory, ReplayedStore uint64
	// ReplayedBytes are the bytes of these, framing excluded.
	ReplayedBytes uint64

	// Reads of the store that were not needed: the page was in memory for
	// another stream; another was reading it; the topic does not exist.
	CachedPages, SharedFetches, UnknownTopics uint64
}
