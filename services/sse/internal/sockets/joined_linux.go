package sockets

import (
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// joined is a small chunk as one run of bytes. It is framed once for all the
// connections of a sweep that get the same events, and a write(2) of it costs
// the kernel a little less than a writev(2) of its parts: one or two percent
// of what a delivery costs, where each is one small event.
type joined struct {
	block    *eventlog.Block // nil: there is none
	from, to uint32
	bytes    []byte
}

// joinedMost is up to which size bytes are copied into a chunk, rather than
// given to the kernel where they are.
const joinedMost = 4 << 10

// frame returns the whole frame of bytes of a block.
func (j *joined) frame(f *frame, p []byte) []byte {
	if j.block != f.block || j.from != f.from || j.to != f.to {
		j.block, j.from, j.to = f.block, f.from, f.to
		j.bytes = wire.AppendChunk(j.bytes[:0], p)
	}
	return j.bytes
}

// forget lets go of the block.
func (j *joined) forget() { j.block = nil }
