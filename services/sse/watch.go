package sse

import (
	"hash/fnv"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// aim is how far the sweeps of a loop are to bring, and have brought, the
// streams of a topic.
type aim struct {
	owner   owner
	target  eventlog.ID // the head when the sweep began
	least   eventlog.ID // the lowest position of a live stream in this sweep
	scanned eventlog.ID // events up to here were looked at for traces
	traced  []traced    // of these, above what was swept
	aiming  bool        // it is in the loop's list
	fresh   bool        // the next sweep takes a target
}

// traced is an event that is.
type traced struct {
	id eventlog.ID
	watched
}

// watched is a delivery that is to be reported once its socket has accepted
// all of it: a sample that met a full socket, or a traced event on its way to
// a stream.
type watched struct {
	event eventlog.Visible
	path  Path   // of a sample; else empty
	trace string // of a traced event; else empty
	sub   int32
	slow  bool // only worth a report when it was slow, or failed
}

// watchedMost bounds what is watched of one stream.
const watchedMost = 16

func hashOf(p []byte) uint32 {
	h := fnv.New32a()
	_, _ = h.Write(p)
	return h.Sum32()
}
