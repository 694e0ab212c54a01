package sse

import (
	"context"
	"errors"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// requestConn is a stream that a goroutine of its own writes: HTTP/2, TLS,
// HTTP/1.0, and platforms without delivery loops.
type requestConn struct {
	meta
	stream
	server *server
	sink   sink
	remote string
	feeds  []feed
	pages  chan page
	signal chan struct{} // one slot: a topic has grown
	ended  chan Reason   // one slot
	gone   atomic.Bool   // the stream has ended
	pass   uint64
	again  bool
	sent   Sent
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
	default:
	}
}

// drive writes a stream until it ends.
func (s *server) drive(to sink, r *http.Request, hs *handshake, m meta) {
	c := &requestConn{
		meta: m, stream: hs.stream, server: s, sink: to, remote: r.RemoteAddr,
		feeds:  make([]feed, len(hs.stream.subs)),
		pages:  make(chan page, len(hs.stream.subs)), // one job a topic at a time
		signal: make(chan struct{}, 1),
		ended:  make(chan Reason, 1),
	}
	for i := range c.subs {
		c.feeds[i].topic = c.subs[i].Topic
		c.subs[i].feed = &c.feeds[i]
		c.subs[i].Topic.Watch(c)
	}
	if !s.join(m.id, c) {
		c.end(ReasonDrain)
	}
	aborted := make(chan struct{})
	stop := context.AfterFunc(s.ctx, func() { c.sink.abort(); close(aborted) })
	reason, err := c.run(r.Context(), hs)
	if !stop() {
		<-aborted
		reason, err = ReasonDrain, nil
	}
	c.sink.close()
	for i := range c.subs {
		c.subs[i].Topic.Unwatch(c)
	}
	c.gone.Store(true)
	c.dropPages()
	s.leave(&c.meta, &c.stream, c.remote, reason, err, c.sent)
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
	h := c.server.h
	interval := or(h.HeartbeatInterval, DefaultHeartbeatInterval)
	if interval < 0 {
		interval = 1 << 62
	}
	if err := c.sink.begin(h, hs); err != nil {
		return writeFailure(err)
	}
	if err := c.write(hs.opening, 0); err != nil {
		return writeFailure(err)
	}
	heartbeat := time.NewTimer(jitter(interval, 0.1))
	defer heartbeat.Stop()
	for {
		wrote, err := c.writeAll()
		if err != nil {
			return writeFailure(err)
		}
		if wrote {
			heartbeat.Reset(jitter(interval, 0.1))
		}
		select {
		case <-ctx.Done():
			return ReasonClient, nil
		case <-c.sink.gone():
			return ReasonClient, nil
		case <-c.server.ctx.Done():
			return ReasonDrain, nil
		case reason := <-c.ended:
			return reason, c.sink.end(h)
		case p := <-c.pages:
			if err := c.arrived(p); err != nil {
				return writeFailure(err)
			}
		case <-c.signal:
			c.pause(ctx)
		case <-heartbeat.C:
			if err := c.write([]byte(heartbeatComment), 0); err != nil {
				return writeFailure(err)
			}
			heartbeat.Reset(jitter(interval, 0.1))
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
func (c *requestConn) writeAll() (wrote bool, err error) {
	var scratch []byte
	for {
		c.pass++
		p, ok := c.next(c.pass, or(c.server.h.MaxWriteBytes, DefaultMaxWriteBytes), scratch[:0])
		c.fetchLacking()
		for i := range c.feeds {
			c.feeds[i].forget() // a write may take long, and a view holds a whole tail
		}
		if !ok {
			return wrote, nil
		}
		wrote = true
		if scratch = p.scratch; p.block == nil {
			err = c.write(scratch, p.events)
		} else {
			p.block.Pin()
			err = c.write(p.block.Bytes(p.from, p.to), p.events)
			p.block.Unpin()
		}
		if err != nil {
			return wrote, err
		}
		if len(c.ended) > 0 || c.server.ctx.Err() != nil {
			return wrote, nil
		}
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
	g := u.answered(p.at, p.block, p.gap)
	if g == nil {
		return nil
	}
	c.server.gap(&c.meta, &c.stream, c.remote, g)
	return c.write(c.appendGap(nil, g, u.Topic), 0)
}

// write gives bytes to the client, each write within the time-out.
func (c *requestConn) write(p []byte, events uint32) error {
	n, err := c.sink.write(p, or(c.server.h.WriteTimeout, DefaultWriteTimeout))
	c.sent.Bytes += uint64(n)
	c.server.goroutine.bytes.Add(uint64(n))
	if err != nil {
		return err
	}
	c.sent.Events += uint64(events)
	c.server.goroutine.events.Add(uint64(events))
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
