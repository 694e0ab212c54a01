package settings

import (
	"cmp"
	"time"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/admission"
	"github.com/sluice-stream/sluice/services/sse"
)

// Settings is all that can be set about a hub. Each field has a flag and an
// environment variable of the same name (options.go). Limits are off at 0
// unless the field says otherwise.
type Settings struct {
	// Listen is the address of the public listener: clients.
	Listen string
	// AdminListen is the address of the admin listener: operators. Beyond
	// loopback it wants AdminTokenFile.
	AdminListen string
	// AdminTokenFile is the file with the token that operators present, for
	// everything but health, readiness and metrics. Empty: nobody needs one.
	AdminTokenFile string
	// InsecureOpenAccess allows the public listener beyond loopback although
	// everybody may then publish and subscribe.
	InsecureOpenAccess bool
	// JWTSecretFile, JWTPublicKeyFile and JWKSURL name what tokens are signed
	// with: a secret (HS256), a public key in PEM, or the address of a set of
	// them. One of them at most; with none, everybody may do everything.
	JWTSecretFile, JWTPublicKeyFile, JWKSURL string
	// AccessTokenQuery takes tokens from the query too (access_token), for
	// clients that can do no other. What is in an address is easily written
	// down by others on its way.
	AccessTokenQuery bool
	// TrustedProxies are the peers whose X-Forwarded-For is believed.
	TrustedProxies admission.Proxies
	// CORSOrigins are the origins, scheme://host[:port], whose pages may use
	// the public listener from their browsers.
	CORSOrigins []string
	// AllowedHosts are the names by which the hub is reached, next to those of
	// loopback and addresses: pages rebind other names to it. "*" allows all.
	AllowedHosts []string
	// TLSCert and TLSKey are PEM files with the certificate chain and the
	// private key of both listeners. Empty: no TLS.
	TLSCert, TLSKey string

	// Store is where events are kept: "disk" or "memory".
	Store string
	// Data is the folder of the disk store.
	Data string
	// RetentionAge, RetentionEvents and RetentionBytes bound what is kept of
	// each topic, RetentionTotalBytes what is kept of all together.
	RetentionAge        time.Duration
	RetentionEvents     int
	RetentionBytes      int64
	RetentionTotalBytes int64
	// MaxTopics bounds the topics that exist at a time.
	MaxTopics int
	// IdempotencyKeys bounds the idempotency keys that are remembered; the
	// oldest are forgotten first.
	IdempotencyKeys int
	// MemoryBudget bounds the bytes that are held in memory for the sake of
	// events: recent ones of all topics together, and what the disk store needs.
	MemoryBudget int64

	// HeartbeatInterval is how long a stream may be silent before the hub
	// sends a comment. 0: no heartbeats.
	HeartbeatInterval time.Duration
	// PingInterval is how often a stream with a two-way heartbeat is pinged. 0:
	// never; who asks for it gets comments.
	PingInterval time.Duration
	// PongTimeout is how long the answer to a ping may take, at most
	// PingInterval. 0: for ever.
	PongTimeout time.Duration
	// MaxMissedPings is how many pings missed in a row end a stream. 0: none
	// do.
	MaxMissedPings int
	// WriteTimeout ends a stream whose client accepts no byte for that long.
	// 0: clients that stopped reading stay for as long as their sockets do.
	WriteTimeout time.Duration
	// MaxWriteBytes bounds what one write to a socket carries; a single event
	// may exceed it. 0: [MaxWriteBytesLimit].
	MaxWriteBytes int64
	// FlushInterval is the shortest time between two sweeps over a topic. 0
	// sends everything at once.
	FlushInterval time.Duration
	// MaxConnections bounds the open streams. The limit of open files bounds
	// them in any case.
	MaxConnections int
	// MaxConnectionsPerAddress bounds the open streams of one client address;
	// of IPv6, of one /64. Those of this machine are bounded only where
	// LimitLoopback says so.
	MaxConnectionsPerAddress int
	// LimitLoopback is set where MaxConnectionsPerAddress was: the default is
	// for clients that come from elsewhere, and not for load tests.
	LimitLoopback bool
	// MaxTopicsPerConnection bounds the topics of one stream, 64 at most. 0: 64.
	MaxTopicsPerConnection int
	// PublishRate bounds the events a second from one client address. After a
	// pause, a second's worth or a batch's may come at once.
	PublishRate int
	// BreakerFailures is how many publishes in a row the store has to fail for
	// publishes to be refused, for BreakerOpen. 0: they never are.
	BreakerFailures int
	BreakerOpen     time.Duration
	// MaxEventBytes bounds the data of one event. 0: [MaxEventBytesLimit].
	MaxEventBytes int64

	// ShutdownDelay is how long the hub says on /readyz and in its metrics that
	// it is about to end before it does, serving as ever: longer than those who
	// look wait between two looks. DrainTimeout begins after it.
	ShutdownDelay time.Duration
	// DrainTimeout bounds how long an orderly end may take. 0: everything that
	// is under way is cut off at once.
	DrainTimeout time.Duration
	// Release is what this process runs, told to subscribers and to metrics.
	Release string
	// Releases are all that exist, which callers may be pinned to; this
	// process's own among them. Empty: its own alone.
	Releases []string
	// TopicClasses name groups of topics, for figures.
	TopicClasses TopicClasses
	// Node names this process in connection ids; one name for each hub.
	Node string

	// TraceExporter is where spans are sent: "otlp", "jaeger-thrift", "stdout",
	// "none". Empty: what OTEL_TRACES_EXPORTER says, else nowhere.
	TraceExporter string
	// TraceRatio is the part of the traces that begin here which is sampled,
	// 0 to 1. A caller decides about its own.
	TraceRatio float64
	// LokiURL is where log lines are pushed to, next to standard output. Empty:
	// nowhere.
	LokiURL string
	// Environment names the deployment in logs and traces.
	Environment string

	// What is no setting: the version of the binary, and how the OTEL_*
	// variables are read; nil: none is set.
	Version string
	Getenv  func(string) string
}

// Defaults returns the settings of a hub that is told nothing.
func Defaults() Settings {
	return Settings{
		Listen:      "127.0.0.1:8080",
		AdminListen: "127.0.0.1:8081",

		Store:               Disk,
		Data:                "./sluice-data",
		RetentionAge:        24 * time.Hour,
		RetentionEvents:     1_000_000,
		RetentionBytes:      1 << 30,
		RetentionTotalBytes: 16 << 30,
		MaxTopics:           10_000,
		IdempotencyKeys:     1_000_000,
		MemoryBudget:        256 << 20,

		HeartbeatInterval: sse.DefaultHeartbeatInterval,
		PingInterval:      sse.DefaultPingInterval,
		PongTimeout:       sse.DefaultPongTimeout,
		MaxMissedPings:    sse.DefaultMaxMissedPings,
		WriteTimeout:      sse.DefaultWriteTimeout,
		MaxWriteBytes:     sse.DefaultMaxWriteBytes,
		MaxConnections:    100_000,

		MaxConnectionsPerAddress: 1000,
		MaxTopicsPerConnection:   sse.DefaultMaxTopics,
		BreakerFailures:          3,
		BreakerOpen:              time.Minute,

		MaxEventBytes: 256 << 10,

		DrainTimeout: 20 * time.Second,
		Release:      observability.UsualRelease,
		Node:         "n1",

		TraceRatio:  0.01,
		Environment: "dev",
	}
}

// The stores.
const (
	Disk   = "disk"   // durable, in a folder
	Memory = "memory" // gone at a restart
)

// The highest values of settings, which 0 stands for.
const (
	// MaxStreamTopics is the most topics that a connection can be allowed.
	MaxStreamTopics = 64

	MaxEventBytesLimit = 16 << 20
	MaxWriteBytesLimit = 64 << 20
)

// noWriteTimeout stands for none: some seven weeks. In milliseconds it is
// 2^32, which the kernel's 32 bits of TCP_USER_TIMEOUT take as 0, its own
// default: a peer that is dead, rather than slow, is still found out.
const noWriteTimeout = (1 << 32) * time.Millisecond

// Resolved returns the settings with what a 0 stands for in place of it.
func (s Settings) Resolved() Settings {
	s.MaxEventBytes = cmp.Or(s.MaxEventBytes, MaxEventBytesLimit)
	s.MaxWriteBytes = cmp.Or(s.MaxWriteBytes, MaxWriteBytesLimit)
	s.WriteTimeout = cmp.Or(s.WriteTimeout, noWriteTimeout)
	if len(s.Releases) == 0 {
		s.Releases = []string{s.Release}
	}
	return s
}

// Scheme is that of both listeners.
func (s *Settings) Scheme() string {
	if s.TLSCert != "" {
		return "https"
	}
	return "http"
}

// TailMemory is what of the memory budget recent events may take. Beside the
// disk store that is three eighths, as much is left to the garbage collector,
// which lets the heap grow to twice of what is used: so a process stays below
// one and a half of its budget.
func (s *Settings) TailMemory() int64 {
	if s.Store == Disk {
		return s.MemoryBudget / 8 * 3
	}
	return s.MemoryBudget
}

// DatabaseMemory is what of the memory budget the disk store may take. 0: its
// own default.
func (s *Settings) DatabaseMemory() int64 { return s.MemoryBudget / 4 }

// Retention is what is kept of events.
func (s *Settings) Retention() eventlog.Retention {
	return eventlog.Retention{
		Age:        s.RetentionAge,
		Events:     int64(s.RetentionEvents),
		Bytes:      s.RetentionBytes,
		TotalBytes: s.RetentionTotalBytes,
	}
}
