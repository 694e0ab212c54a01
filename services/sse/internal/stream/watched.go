package stream

import (
	"hash/fnv"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Watched is a delivery that is to be reported once its socket has accepted
// all of it: a sample that met a full socket, or a traced event on its way to
// a stream.
type Watched struct {
	Event  eventlog.Visible
	Replay bool   // of a sample: the event was there at the handshake
	Trace  string // of a traced event; else empty
	Sub    int32  // which topic of the stream
	Slow   bool   // only worth a report when it was slow, or failed
}

// WatchedMost bounds what is watched of one stream.
const WatchedMost = 16

// HashOf makes a number of a trace or a name, by which streams are chosen that
// traced events are followed to.
func HashOf(p []byte) uint32 {
	h := fnv.New32a()
	_, _ = h.Write(p)
	return h.Sum32()
}
