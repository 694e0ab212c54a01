package app

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// Settings is all that can be set about a hub. Each field has a flag and an
// environment variable of the same name (options.go). Limits are off at 0
// unless the field says otherwise.
type Settings struct {
	// Listen is the address of the public listener: clients.
	Listen string
	// AdminListen is the address of the admin listener: health, readiness,
	// metrics, profiles.
	AdminListen string
	// InsecureOpenAccess allows both listeners beyond loopback although
	// everybody may then publish, subscribe and profile.
	InsecureOpenAccess bool

	// Store is where events are kept: "bolt" or "memory".
	Store string
	// Data is the folder of the bolt store.
	Data string
	// RetentionAge, RetentionEvents and RetentionBytes bound what is kept of
	// each topic, RetentionTotalBytes what is kept of all together.
	RetentionAge        time.Duration
	RetentionEvents     int
	RetentionBytes      int64
	RetentionTotalBytes int64
	// MaxTopics bounds the topics that exist at a time.
	MaxTopics int
	// MemoryBudget bounds the bytes of recent events held in memory for all
	// topics together.
	MemoryBudget int64

	// HeartbeatInterval is how long a stream may be silent before the hub
	// sends a comment. 0: no heartbeats.
	HeartbeatInterval time.Duration
	// WriteTimeout ends a stream whose client accepts no byte for that long.
	// It cannot be turned off.
	WriteTimeout time.Duration
	// MaxWriteBytes bounds what one write to a socket carries; a single event
	// may exceed it. It cannot be turned off.
	MaxWriteBytes int64
	// FlushInterval is the shortest time between two sweeps over a topic. 0
	// sends everything at once.
	FlushInterval time.Duration
	// MaxConnections bounds the open streams. The limit of open files bounds
	// them in any case.
	MaxConnections int
	// MaxEventBytes bounds the data of one event. It cannot be turned off.
	MaxEventBytes int64

	// DrainTimeout bounds how long an orderly end may take.
	DrainTimeout time.Duration
	// Release is what this process runs, told to subscribers and to metrics.
	Release string
	// Node names this process in connection ids; one name for each hub.
	Node string
}

// Defaults returns the settings of a hub that is told nothing.
func Defaults() Settings {
	return Settings{
		Listen:      "127.0.0.1:8080",
		AdminListen: "127.0.0.1:8081",

		Store:               storeBolt,
		Data:                "./sluice-data",
		RetentionAge:        24 * time.Hour,
		RetentionEvents:     1_000_000,
		RetentionBytes:      1 << 30,
		RetentionTotalBytes: 16 << 30,
		MaxTopics:           10_000,
		MemoryBudget:        256 << 20,

		HeartbeatInterval: sse.DefaultHeartbeatInterval,
		WriteTimeout:      sse.DefaultWriteTimeout,
		MaxWriteBytes:     sse.DefaultMaxWriteBytes,
		MaxConnections:    100_000,
		MaxEventBytes:     256 << 10,

		DrainTimeout: 20 * time.Second,
		Release:      "stable",
		Node:         "n1",
	}
}

// The stores.
const (
	storeBolt   = "bolt"
	storeMemory = "memory"
)

// MaxEventBytesLimit is the highest value of MaxEventBytes.
const MaxEventBytesLimit = 16 << 20

func (s *Settings) retention() eventlog.Retention {
	return eventlog.Retention{
		Age:        s.RetentionAge,
		Events:     int64(s.RetentionEvents),
		Bytes:      s.RetentionBytes,
		TotalBytes: s.RetentionTotalBytes,
	}
}
