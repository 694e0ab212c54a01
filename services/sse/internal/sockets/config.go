package sockets

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/fanout"
	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/sse/internal/readers"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// Config is what loops are given. It does not change once they have started.
type Config struct {
	Log           *eventlog.Log // of the memory budget
	Readers       *readers.Pool // of pages below the hot tail
	Began         time.Time     // the beginning of the clock that heartbeats share
	Heartbeat     heartbeat.Rules
	WriteTimeout  time.Duration // ends a stream whose client accepts no byte for that long
	EndTimeout    time.Duration // what a stream that is told to end has for its rest
	FlushInterval time.Duration // the shortest time between two sweeps over the same topic
	MaxWriteBytes int           // of one write, unless a single event is larger

	Fanouts  *fanout.Topics // nil: nothing is measured
	NewMeter func() Meter   // makes one for each loop; nil where nothing is measured

	NewPoller func() Poller // nil: epoll
}

// Session is what a connection's stream is to whoever opened it. A loop tells
// it what becomes of the stream: seldom, and never of each delivery. The
// methods are called by the loop's goroutine and must not block.
type Session interface {
	// Gap reports that the client is told of missing events.
	Gap(*eventlog.GapError)
	// Replayed reports that the stream has been sent what was there at its
	// handshake.
	Replayed(stream.Replay)
	// PingMissed reports a ping whose pong did not come in time, and whether it
	// is the first in a row.
	PingMissed(first bool)
	// Left reports, once and at last, that the stream has ended and the loop
	// has let go of it. It is not called for a connection that was never served.
	Left(stream.Reason, error, stream.Sent)
}

// Meter is told how deliveries go, by one goroutine. It must not block, and
// costs the loop what it takes. The slices are not its own.
type Meter interface {
	// Sampled reports deliveries that were chosen, as the socket has accepted
	// them.
	Sampled(Session, []stream.Sampled)
	// Followed reports a delivery that was watched: the socket has accepted all
	// of it, or the stream ended before, for a reason.
	Followed(s Session, w stream.Watched, failed stream.Reason)
	// FannedOut reports events of a topic that a write was attempted of to every
	// live stream that is not stalled.
	FannedOut(t *fanout.Topic, v *eventlog.View, r fanout.Run)
}

// Poller tells a loop of sockets that have hung up, or have room again after
// they were full. Its methods are called by the loop, or after it has ended,
// but for Run, which has a goroutine of its own.
type Poller interface {
	// Add begins to watch a socket.
	Add(fd int, name Ref) error
	// Remove ends that. Reports of the socket may still come.
	Remove(fd int)
	// Run reports until Stop is called, and lets go of what the poller has. The
	// slice is not the callee's.
	Run(report func([]Ready))
	Stop()
}

// Ref names a connection of a loop. Descriptors and places are used again, and
// reports of an earlier socket may be on their way: the generation tells it
// from the one that has its place now.
type Ref struct {
	Index      int32
	Generation int32
}

// Ready is a report about a socket.
type Ready struct {
	Name     Ref
	HungUp   bool
	Writable bool
}

// Seen is a stream as its loop shows it, for the moment of a call.
type Seen struct {
	Session Session
	Stream  *stream.Stream
	View    stream.View
	Sent    stream.Sent
	Stalled time.Duration // for how long its socket has been full
	Rest    int64         // bytes of an unfinished write
}
