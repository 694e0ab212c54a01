package sockets

import (
	"golang.org/x/sys/unix"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/readers"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
	"github.com/sluice-stream/sluice/services/wire"
)

// attach makes a new connection part of the loop.
func (l *loop) attach(c *Conn) {
	for i := range c.stream.Subs {
		u := &c.stream.Subs[i]
		f := l.feeds[u.Topic]
		if f == nil {
			f = &loopFeed{Feed: stream.Feed{Topic: u.Topic}, loop: l}
			l.feeds[u.Topic] = f
			u.Topic.Watch(f)
			l.follow(f, u.Own)
		}
		u.Feed, u.Member = &f.Feed, int32(len(f.members))
		f.members = append(f.members, member{c, int32(i)})
	}
	c.timer.owner = c
	c.slot = l.slots.add(c)
	c.lastWrite = l.now
	l.wheel.add(&c.timer, l.due(c))
	if c.rest.block != nil { // the opening did not fit: a tiny socket buffer
		l.stall(c)
	}
	if err := l.poller.Add(c.fd, c.slot); err != nil {
		l.close(c, stream.Error, err)
		return
	}
	c.attached = true
	switch {
	case l.aborted:
		l.close(c, stream.Drain, nil)
		return
	case c.ending != "": // it was told so before
		reason := c.ending
		c.ending = ""
		l.finish(c, reason)
	}
	l.enqueue(c)
}

// detach undoes attach; the socket stays open.
func (l *loop) detach(c *Conn) {
	for i := range c.stream.Subs {
		u := &c.stream.Subs[i]
		u.Leave()
		f := l.feeds[u.Topic]
		last := len(f.members) - 1
		moved := f.members[last]
		f.members[u.Member] = moved
		moved.c.stream.Subs[moved.sub].Member = u.Member
		f.members[last] = member{}
		f.members = f.members[:last]
		if last == 0 {
			u.Topic.Unwatch(f)
			l.unfollow(f)
			delete(l.feeds, u.Topic)
		}
	}
	if c.rest.block != nil {
		c.rest.block.Unpin()
		c.rest = frame{}
	}
	l.wheel.remove(&c.timer)
	l.poller.Remove(c.fd)
	l.slots.remove(c.slot)
	c.closed = true
	c.gone.Store(true)
}

// close ends a connection at once.
func (l *loop) close(c *Conn, reason stream.Reason, err error) {
	if c.closed {
		return
	}
	l.detach(c)
	c.nc.Close()
	l.leave(c, reason, err)
}

func (l *loop) leave(c *Conn, reason stream.Reason, err error) {
	if c.ending != "" {
		reason, err = c.ending, nil
	}
	if c.watched {
		l.unwatch(c, reason)
	}
	c.session.Left(reason, err, c.sent)
}

// polled reacts to what the poller saw.
func (l *loop) polled(c *Conn, r *Ready) {
	if r.HungUp {
		l.close(c, hangupReason(c.fd), nil)
		return
	}
	if r.Writable && c.blocked {
		c.blocked = false
		l.enqueue(c)
	}
}

// hangupReason tells a peer that left from one that stopped answering, which
// the kernel reports once TCP_USER_TIMEOUT has passed.
func hangupReason(fd int) stream.Reason {
	if code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && code == int(unix.ETIMEDOUT) {
		return stream.WriteTimeout
	}
	return stream.Client
}

// stall notes that a socket is full. The poller reports when it no longer is.
func (l *loop) stall(c *Conn) {
	l.figures.Stalls++
	l.pinned = true
	c.blocked, c.stalled = true, l.now
	due := l.now + l.cfg.WriteTimeout.Milliseconds()
	if c.timer.due != 0 {
		due = min(c.timer.due, due)
	}
	l.wheel.add(&c.timer, due)
}

// fetch asks the reader pool for what a topic of a connection lacks.
func (l *loop) fetch(c *Conn, i int32, from eventlog.Cursor) {
	l.cfg.Readers.Ask(readers.Job{Cursor: from, Again: c.again, Gone: &c.gone, Done: func(b *eventlog.Block, g *eventlog.GapError) {
		l.post(mail{kind: msgPage, c: c, sub: i, at: from.At, block: b, gap: g})
	}})
	c.again = true
}

// arrived takes the answer of the reader pool.
func (l *loop) arrived(m *mail) {
	c := m.c
	if c.closed {
		if m.block != nil {
			m.block.Unpin()
		}
		return
	}
	u := &c.stream.Subs[m.sub]
	g := u.Answered(m.at, m.block, m.gap)
	if g != nil && c.ending == "" { // nothing may follow the last chunk
		c.control = wire.AppendChunk(c.control, c.stream.AppendGap(nil, g, u))
		c.session.Gap(g)
	}
	l.enqueue(c)
}
