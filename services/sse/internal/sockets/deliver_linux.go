package sockets

import (
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
	"github.com/sluice-stream/sluice/services/wire"
)

// deliver writes to a connection once: what is unfinished, or control events,
// or the next piece of the stream.
func (l *loop) deliver(c *Conn) {
	if c.closed || c.blocked {
		return
	}
	for i := range c.stream.Subs {
		l.look(c.stream.Subs[i].Feed)
	}
	switch {
	case c.rest.block != nil:
		l.resume(c)
	case len(c.control) > 0:
		control := c.control
		c.control = nil
		l.send(c, frame{raw: true}, control)
	case c.ending != "":
		if !c.lingering {
			l.finished(c)
		}
		return
	default:
		l.piece(c)
	}
	if c.closed {
		return
	}
	l.noted(c)
	if c.blocked {
		return
	}
	if c.rest.block != nil || len(c.control) > 0 || c.ending != "" || c.stream.Behind(l.pass) {
		l.enqueue(c)
	}
}

// noted looks at what a delivery has brought.
func (l *loop) noted(c *Conn) {
	if c.stream.Replaying() && c.rest.block == nil {
		for r, ok := c.stream.EndReplay(); ok; r, ok = c.stream.EndReplay() {
			c.session.Replayed(r)
		}
	}
	if l.chosen == nil {
		return
	}
	c.stream.Note(c.blocked)
	if c.watched {
		l.settle(c)
	}
}

// piece writes the next piece of the stream, and asks for what is not here.
func (l *loop) piece(c *Conn) {
	p, ok := c.stream.Next(l.pass, l.cfg.MaxWriteBytes, l.scratch[:wire.SizeRoom], l.chosen)
	for i := range c.stream.Subs {
		if from, ok := c.stream.Subs[i].Want(); ok {
			l.fetch(c, int32(i), from)
		}
	}
	if !ok {
		return
	}
	f := frame{block: p.Block, from: p.From, to: p.To, counts: p.Counts}
	if p.Block != nil {
		l.send(c, f, p.Block.Bytes(p.From, p.To))
		l.sampled(c, p.Samples)
		return
	}
	l.scratch = p.Scratch
	f.raw = true
	l.send(c, f, wire.FrameInPlace(&l.scratch))
	l.sampled(c, p.Samples)
	if cap(l.scratch) > 1<<20 {
		l.scratch = make([]byte, 0, 4<<10) // one very large event came by
	}
}

// look takes the view of a feed for this pass, for the loop to let go of
// before it sleeps.
func (l *loop) look(f *stream.Feed) {
	if !f.Holds() {
		l.looked = append(l.looked, f)
	}
	f.Look(l.pass)
}

// send writes a frame with the given bytes. What the socket does not accept
// becomes the connection's rest.
func (l *loop) send(c *Conn, f frame, p []byte) {
	if !f.raw && len(p) <= joinedMost {
		l.vec.whole(l.joined.frame(&f, p))
	} else {
		l.vec.set(&f, p)
	}
	n, err := l.vec.write(c.fd)
	if err != nil {
		l.fail(c, err)
		return
	}
	l.account(c, &f, n)
	if n == l.vec.left {
		l.complete(c, f.counts)
		return
	}
	if f.block == nil { // the bytes are the loop's: keep a copy of what is left
		f.block = l.cfg.Log.NewPrivate(p[n:])
		f.from, f.to, f.done = 0, f.block.Len(), 0
		own, replayed := f.counts.Bytes(0, uint32(n))
		f.counts.Own -= own
		f.counts.Replayed -= replayed
	} else {
		f.block.Pin()
		f.done = uint32(n)
	}
	c.rest = f
	l.stall(c)
}

// resume goes on with an unfinished frame.
func (l *loop) resume(c *Conn) {
	f := &c.rest
	l.vec.set(f, f.block.Bytes(f.from, f.to))
	n, err := l.vec.write(c.fd)
	if err != nil {
		l.fail(c, err)
		return
	}
	l.account(c, f, n)
	if n < l.vec.left {
		f.done += uint32(n)
		if n == 0 {
			since := c.stalled
			l.stall(c)
			c.stalled = since // it has still accepted nothing
			return
		}
		l.stall(c)
		return
	}
	l.complete(c, f.counts)
	f.block.Unpin()
	c.rest = frame{}
}

// account counts bytes of a frame that were accepted.
func (l *loop) account(c *Conn, f *frame, n int) {
	own, replayed := f.counts.Bytes(f.done, uint32(n))
	l.figures.Replayed += uint64(replayed)
	c.sent.Bytes += uint64(n)
	l.figures.Bytes += uint64(n) - uint64(own) - uint64(replayed)
	if n > 0 {
		c.lastWrite = l.now
	}
}

func (l *loop) complete(c *Conn, n stream.Counts) {
	c.sent.Events += uint64(n.Events())
	l.figures.Add(n)
}
