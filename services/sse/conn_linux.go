package sse

import (
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// conn is a stream whose socket was taken over.
type conn struct {
	meta
	loop     *loop
	nc       net.Conn  // keeps the descriptor open; only the loop closes it
	listener *listener // takes the socket back when the stream ends; may be nil
	ahead    []byte    // read from the socket before the take-over
	fd       int
	gone     atomic.Bool // set when the loop parts with it, for the reader pool to see

	// Owned by the loop.
	stream
	slot      slotRef
	timer     wheelEntry
	rest      frame  // of which a part was accepted
	control   []byte // framed control events that go before the next piece
	ending    Reason // the stream ends once rest and control are out
	sent      Sent
	lastWrite int64 // by the loop's clock
	stalled   int64 // since when the socket has accepted nothing
	endBy     int64 // when a stream that is ending is closed in any case
	attached  bool
	queued    bool
	blocked   bool // until the poller reports room
	again     bool // it has had a page from the store
	watched   bool // the loop's watching has something of it
	closed    bool
	lingering bool // both ends are done but for the client's FIN
}

// end implements ender.
func (c *conn) end(reason Reason) { c.loop.post(mail{kind: msgEnd, c: c, reason: reason}) }

// drain implements ender.
func (c *conn) drain(in time.Duration) { c.loop.post(mail{kind: msgDrain, c: c, in: in}) }

// at implements ender.
func (c *conn) at() map[string]eventlog.ID {
	answer := make(chan map[string]eventlog.ID, 1)
	c.loop.post(mail{kind: msgPosition, c: c, position: answer})
	select {
	case at := <-answer:
		return at
	case <-c.loop.ended:
		return nil
	}
}

// attach makes a new connection part of the loop.
func (l *loop) attach(c *conn) {
	for i := range c.subs {
		u := &c.subs[i]
		f := l.feeds[u.Topic]
		if f == nil {
			f = &loopFeed{feed: feed{topic: u.Topic}, loop: l}
			l.feeds[u.Topic] = f
			u.Topic.Watch(f)
			l.follow(f)
		}
		u.feed, u.member = &f.feed, int32(len(f.members))
		f.members = append(f.members, member{c, int32(i)})
	}
	c.timer.owner = c
	c.slot = l.slots.add(c)
	c.lastWrite = l.now
	l.wheel.add(&c.timer, l.due(c))
	if c.rest.block != nil { // the opening did not fit: a tiny socket buffer
		l.stall(c)
	}
	if err := l.poller.add(c.fd, c.slot); err != nil {
		l.close(c, ReasonError, err)
		return
	}
	c.attached = true
	switch {
	case l.aborted:
		l.close(c, ReasonDrain, nil)
		return
	case c.ending != "": // it was told so before
		reason := c.ending
		c.ending = ""
		l.finish(c, reason)
	}
	l.enqueue(c)
}

// detach undoes attach; the socket stays open.
func (l *loop) detach(c *conn) {
	for i := range c.subs {
		u := &c.subs[i]
		f := l.feeds[u.Topic]
		last := len(f.members) - 1
		moved := f.members[last]
		f.members[u.member] = moved
		moved.c.subs[moved.sub].member = u.member
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
	l.poller.remove(c.fd)
	l.slots.remove(c.slot)
	c.closed = true
	c.gone.Store(true)
}

// close ends a connection at once.
func (l *loop) close(c *conn, reason Reason, err error) {
	if c.closed {
		return
	}
	l.detach(c)
	c.nc.Close()
	l.leave(c, reason, err)
}

func (l *loop) leave(c *conn, reason Reason, err error) {
	if c.ending != "" {
		reason, err = c.ending, nil
	}
	if c.watched {
		l.unwatch(c, reason)
	}
	l.server.leave(&c.meta, &c.stream, c.remote(), reason, err, c.sent)
}

// pinsEvicted reports whether a connection holds memory that nobody else needs.
func (c *conn) pinsEvicted() bool {
	if c.rest.block != nil && c.rest.block.Evicted() {
		return true
	}
	for i := range c.subs {
		if page := c.subs[i].page; page != nil && page.Evicted() {
			return true
		}
	}
	return false
}

func (c *conn) remote() string { return c.nc.RemoteAddr().String() }

// polled reacts to what the poller saw.
func (l *loop) polled(c *conn, events uint32) {
	if events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		l.close(c, hangupReason(c.fd), nil)
		return
	}
	if events&unix.EPOLLOUT != 0 && c.blocked {
		c.blocked = false
		l.enqueue(c)
	}
}

// hangupReason tells a peer that left from one that stopped answering, which
// the kernel reports once TCP_USER_TIMEOUT has passed.
func hangupReason(fd int) Reason {
	if code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && code == int(unix.ETIMEDOUT) {
		return ReasonWriteTimeout
	}
	return ReasonClient
}

// stall notes that a socket is full. The poller reports when it no longer is.
func (l *loop) stall(c *conn) {
	l.stalls++
	l.pinned = true
	c.blocked, c.stalled = true, l.now
	due := l.now + l.writeTimeout()
	if c.timer.due != 0 {
		due = min(c.timer.due, due)
	}
	l.wheel.add(&c.timer, due)
}

// fetch asks the reader pool for what a topic of a connection lacks.
func (l *loop) fetch(c *conn, i int32) {
	u := &c.subs[i]
	u.lacking, u.fetching = false, true
	at := u.At
	l.server.readers.ask(fetchJob{cursor: u.Cursor, again: c.again, gone: &c.gone, done: func(b *eventlog.Block, g *eventlog.GapError) {
		l.post(mail{kind: msgPage, c: c, sub: i, at: at, block: b, gap: g})
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
	u := &c.subs[m.sub]
	g := u.answered(m.at, m.block, m.gap)
	if g != nil && c.ending == "" { // nothing may follow the last chunk
		c.control = wire.AppendChunk(c.control, c.appendGap(nil, g, u))
		l.server.gap(&c.meta, &c.stream, c.remote(), g)
	}
	l.enqueue(c)
}
