package sse

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// frame is one chunk of HTTP/1.1 (RFC 9112, section 7.1) on its way to a
// socket: its size line, bytes of a block, and the line end. A raw frame is
// framed already.
type frame struct {
	block    *eventlog.Block
	from, to uint32
	done     uint32 // bytes of the frame that were accepted
	counts   counts
	raw      bool
}

// vector is what writev(2) is given, with room for a size line.
type vector struct {
	iov  [3]unix.Iovec
	n    int
	left int
	size [wire.SizeRoom]byte
}

var crlfBytes = [2]byte{'\r', '\n'}

// set prepares what of a frame has not been accepted.
func (v *vector) set(f *frame, p []byte) {
	v.n, v.left = 0, 0
	skip := int(f.done)
	if f.raw {
		v.add(p, &skip)
		return
	}
	line := wire.AppendSizeLine(v.size[:0], len(p))
	v.add(line, &skip)
	v.add(p, &skip)
	v.add(crlfBytes[:], &skip)
}

// whole prepares bytes that are a frame, or several.
func (v *vector) whole(p []byte) {
	v.n, v.left = 0, 0
	skip := 0
	v.add(p, &skip)
}

func (v *vector) add(p []byte, skip *int) {
	n := min(*skip, len(p))
	*skip -= n
	if p = p[n:]; len(p) == 0 {
		return
	}
	v.iov[v.n].Base = &p[0]
	v.iov[v.n].SetLen(len(p))
	v.n++
	v.left += len(p)
}

// write gives the vector to a socket, which never blocks.
func (v *vector) write(fd int) (int, error) {
	for {
		var n uintptr
		var errno syscall.Errno
		if v.n == 1 {
			n, _, errno = unix.Syscall(unix.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(v.iov[0].Base)), uintptr(v.left))
		} else {
			n, _, errno = unix.Syscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&v.iov[0])), uintptr(v.n))
		}
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		case unix.EAGAIN:
			return 0, nil
		default:
			return 0, errno
		}
	}
}

// deliver writes to a connection once: what is unfinished, or control events,
// or the next piece of the stream.
func (l *loop) deliver(c *conn) {
	if c.closed || c.blocked {
		return
	}
	for i := range c.subs {
		l.look(c.subs[i].feed)
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
	if c.rest.block != nil || len(c.control) > 0 || c.ending != "" || c.behind(l.pass) {
		l.enqueue(c)
	}
}

// noted looks at what a delivery has brought.
func (l *loop) noted(c *conn) {
	if c.replays != nil && c.rest.block == nil {
		l.server.endReplays(&c.meta, &c.stream, c.remote())
	}
	if l.chosen == nil {
		return
	}
	l.note(c)
	if c.watched {
		l.settle(c)
	}
}

// piece writes the next piece of the stream, and asks for what is not here.
func (l *loop) piece(c *conn) {
	p, ok := c.next(l.pass, or(l.server.h.MaxWriteBytes, DefaultMaxWriteBytes), l.scratch[:wire.SizeRoom], l.chosen)
	for i := range c.subs {
		if c.subs[i].lacking {
			l.fetch(c, int32(i))
		}
	}
	if !ok {
		return
	}
	f := frame{block: p.block, from: p.from, to: p.to, counts: p.counts}
	if p.block != nil {
		l.send(c, f, p.block.Bytes(p.from, p.to))
		l.sampled(c, p.samples)
		return
	}
	l.scratch = p.scratch
	f.raw = true
	l.send(c, f, wire.FrameInPlace(&l.scratch))
	l.sampled(c, p.samples)
	if cap(l.scratch) > 1<<20 {
		l.scratch = make([]byte, 0, 4<<10) // one very large event came by
	}
}

// look takes the view of a feed for this pass, for the loop to let go of
// before it sleeps.
func (l *loop) look(f *feed) {
	if f.pass == 0 {
		l.looked = append(l.looked, f)
	}
	f.look(l.pass)
}

// send writes a frame with the given bytes. What the socket does not accept
// becomes the connection's rest.
func (l *loop) send(c *conn, f frame, p []byte) {
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
		f.block = l.server.h.Log.NewPrivate(p[n:])
		f.from, f.to, f.done = 0, f.block.Len(), 0
		own, replayed := f.counts.bytes(0, uint32(n))
		f.counts.own -= own
		f.counts.replayed -= replayed
	} else {
		f.block.Pin()
		f.done = uint32(n)
	}
	c.rest = f
	l.stall(c)
}

// resume goes on with an unfinished frame.
func (l *loop) resume(c *conn) {
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
func (l *loop) account(c *conn, f *frame, n int) {
	own, replayed := f.counts.bytes(f.done, uint32(n))
	l.replayed += uint64(replayed)
	c.sent.Bytes += uint64(n)
	l.bytes += uint64(n) - uint64(own)
	if n > 0 {
		c.lastWrite = l.now
	}
}

func (l *loop) complete(c *conn, n counts) {
	c.sent.Events += uint64(n.events())
	l.counts.add(n)
}
