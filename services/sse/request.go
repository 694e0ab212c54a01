package sse

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// requestConn is a stream that a goroutine of its own writes: HTTP/2, TLS,
// HTTP/1.0, and platforms without delivery loops.
type requestConn struct {
	meta
	server  *server
	sink    sink
	request *http.Request
	feeds   []feed
	pages   chan page
	signal  chan struct{}      // one slot: a topic has grown
	ended   chan Reason        // one slot
	drains  chan time.Duration // one slot: the stream will end so much later
	gone    atomic.Bool        // the stream has ended
	late    *time.Timer        // cuts it off a while after it was told to end
	pass    uint64
	again   bool
	metered metered
	quiet   time.Duration // until when it may be, by the server's clock

	mu sync.Mutex // guards what surveys read; held to compute, never to write
	stream
	sent    Sent
	writing time.Time // since when a write is under way; else zero
}

// page is an answer of the reader pool.
type page struct {
	sub   int
	at    eventlog.ID // what was asked for
	block *eventlog.Block
	gap   *eventlog.GapError
}

// Wake implements eventlog.Waker.
func (c *requestConn) Wake() { wake(c.signal) }

// end implements ender.
func (c *requestConn) end(reason Reason) {
	select {
	case c.ended <- reason:
		c.late.Reset(endTime)
	default:
	}
}

// drain implements ender. A server drains once.
func (c *requestConn) drain(in time.Duration) { c.drains <- in }

// drive writes a stream until it ends.
func (s *server) drive(to sink, r *http.Request, hs *handshake, m meta) {
	c := &requestConn{
		meta: m, stream: hs.stream, server: s, sink: to, request: r,
		feeds:  make([]feed, len(hs.stream.subs)),
		pages:  make(chan page, len(hs.stream.subs)), // one job a topic at a time
		signal: make(chan struct{}, 1),
		ended:  make(chan Reason, 1),
		drains: make(chan time.Duration, 1),
	}
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	c.late = time.AfterFunc(never, cancel)
	defer c.late.Stop()
	for i := range c.subs {
		c.feeds[i].topic = c.subs[i].Topic
		c.subs[i].feed = &c.feeds[i]
		c.subs[i].Topic.Watch(c)
	}
	c.follow()
	if !s.join(m.id, c) {
		c.end(ReasonDrain)
	}
	aborted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { c.sink.abort(); close(aborted) })
	reason, err := c.run(r.Context(), hs)
	if !stop() {
		<-aborted
		reason, err = c.cutOff(reason), nil
	}
	c.sink.close()
	for i := range c.subs {
		c.subs[i].Topic.Unwatch(c)
	}
	c.gone.Store(true)
	c.unfollow(reason)
	c.dropPages()
	s.leave(&c.meta, &c.stream, c.remote(), reason, err, c.sent)
}

// cutOff returns why a stream was.
func (c *requestConn) cutOff(reason Reason) Reason {
	if c.server.ctx.Err() != nil {
		return ReasonDrain
	}
	select {
	case reason = <-c.ended: // before it could see that
	default:
	}
	return reason
}

// at implements ender.
func (c *requestConn) at() map[string]eventlog.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.positions()
}

// dropPages takes back the answers of the reader pool that nobody reads.
func (c *requestConn) dropPages() {
	for {
		select {
		case p := <-c.pages:
			if p.block != nil {
				p.block.Unpin()
			}
		default:
			return
		}
	}
}

func (c *requestConn) run(ctx context.Context, hs *handshake) (Reason, error) {
	err := c.sink.begin(c.server.h, hs)
	if err == nil {
		err = c.write(hs.opening, counts{})
	}
	c.server.opened(c.request, hs, &c.meta)
	if err != nil {
		return writeFailure(err)
	}
	if left, ends := c.left(); ends {
		expiry := time.AfterFunc(left, func() { c.end(ReasonTokenExpired) })
		defer expiry.Stop()
	}
	timer := time.NewTimer(c.patience())
	defer timer.Stop()
	for {
		if err := c.writeAll(); err != nil {
			return writeFailure(err)
		}
		timer.Reset(c.patience())
		select {
		case <-ctx.Done():
			return ReasonClient, nil
		case <-c.sink.gone():
			return ReasonClient, nil
		case <-c.server.ctx.Done():
			return ReasonDrain, nil
		case reason := <-c.ended:
			return reason, c.finish(reason)
		case in := <-c.drains:
			if err := c.write(appendDrain(nil, in), counts{}); err != nil {
				return writeFailure(err)
			}
		case p := <-c.pages:
			if err := c.arrived(p); err != nil {
				return writeFailure(err)
			}
		case <-c.signal:
			c.pause(ctx)
		case <-timer.C:
			dead, err := c.beat()
			if err != nil {
				return writeFailure(err)
			}
			if dead {
				return ReasonPongTimeout, nil
			}
		}
	}
}

// pause lets events gather for the flush interval.
func (c *requestConn) pause(ctx context.Context) {
	if c.server.h.FlushInterval <= 0 {
		return
	}
	select {
	case <-time.After(c.server.h.FlushInterval):
	case <-ctx.Done():
	}
}

// writeAll writes from the cursors to the heads, as far as the events are in
// memory, and asks for the others.
func (c *requestConn) writeAll() error {
	var scratch []byte
	for {
		c.pass++
		c.mu.Lock()
		p, ok := c.next(c.pass, or(c.server.h.MaxWriteBytes, DefaultMaxWriteBytes), scratch[:0], c.choice())
		c.mu.Unlock()
		c.fetchLacking()
		if ok {
			c.attempted()
		} else {
			c.arrivedAtHead()
		}
		c.forgetViews()
		if !ok {
			return nil
		}
		var err error
		if scratch = p.scratch; p.block == nil {
			err = c.write(scratch, p.counts)
		} else {
			p.block.Pin()
			err = c.write(p.block.Bytes(p.from, p.to), p.counts)
			p.block.Unpin()
		}
		if err == nil {
			c.accepted(p.samples)
			c.server.endReplays(&c.meta, &c.stream, c.remote())
		}
		if err != nil || len(c.ended) > 0 || c.server.ctx.Err() != nil {
			return err
		}
	}
}

// forgetViews lets go of what a write, which may take long, would keep: a
// view holds a whole tail.
func (c *requestConn) forgetViews() {
	for i := range c.feeds {
		c.server.goroutine.saved.Add(c.feeds[i].saved)
		c.feeds[i].saved = 0
		c.feeds[i].forget()
	}
}

func (c *requestConn) fetchLacking() {
	for i := range c.subs {
		u := &c.subs[i]
		if !u.lacking {
			continue
		}
		u.lacking, u.fetching = false, true
		at := u.At
		c.server.readers.ask(fetchJob{cursor: u.Cursor, again: c.again, gone: &c.gone, done: func(b *eventlog.Block, g *eventlog.GapError) {
			c.pages <- page{i, at, b, g}
			if c.gone.Load() {
				c.dropPages()
			}
		}})
		c.again = true
	}
}

func (c *requestConn) arrived(p page) error {
	u := &c.subs[p.sub]
	c.mu.Lock()
	g := u.answered(p.at, p.block, p.gap)
	c.mu.Unlock()
	if g == nil {
		return nil
	}
	c.server.gap(&c.meta, &c.stream, c.remote(), g)
	return c.write(c.appendGap(nil, g, u), counts{})
}

// write gives bytes to the client, each write within the time-out.
func (c *requestConn) write(p []byte, n counts) error {
	c.mu.Lock()
	c.writing = time.Now()
	c.mu.Unlock()
	accepted, err := c.sink.write(p, or(c.server.h.WriteTimeout, DefaultWriteTimeout))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = time.Time{}
	c.quiet = c.server.clock() + c.server.silence()
	c.sent.Bytes += uint64(accepted)
	own, replayed := n.bytes(0, uint32(accepted))
	c.server.goroutine.replayed.Add(uint64(replayed))
	c.server.goroutine.bytes.Add(uint64(accepted) - uint64(replayed) - uint64(own))
	if err != nil {
		return err
	}
	c.sent.Events += uint64(n.events())
	c.server.goroutine.add(n)
	return nil
}

// writeFailure tells why a write failed.
func writeFailure(err error) (Reason, error) {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return ReasonWriteTimeout, nil
	case errors.Is(err, http.ErrNotSupported): // a middleware that buffers the whole answer
		return ReasonError, err
	}
	return ReasonClient, nil
}
