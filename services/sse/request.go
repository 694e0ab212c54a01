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
	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// requestConn is a stream that a goroutine of its own writes: HTTP/2, TLS,
// HTTP/1.0, and platforms without delivery loops.
type requestConn struct {
	*session
	sink    sink
	request *http.Request
	feeds   []stream.Feed
	pages   chan page
	signal  chan struct{}      // one slot: a topic has grown
	ended   chan stream.Reason // one slot
	told    chan []byte        // one slot: a control event
	gone    atomic.Bool        // the stream has ended
	late    *time.Timer        // cuts it off a while after it was told to end
	pass    uint64
	again   bool
	metered metered
	quiet   time.Duration // until when it may be, by the server's clock

	mu      sync.Mutex // guards what surveys read; held to compute, never to write
	reads   stream.Stream
	sent    stream.Sent
	writing time.Time // since when a write is under way; else zero
}

// Wake implements eventlog.Waker.
func (c *requestConn) Wake() { wake(c.signal) }

// End implements driver.
func (c *requestConn) End(reason stream.Reason) {
	select {
	case c.ended <- reason:
		c.late.Reset(endTime)
	default:
	}
}

// Tell implements driver. A server drains once.
func (c *requestConn) Tell(event []byte) { c.told <- event }

// drive writes a stream until it ends.
func (s *server) drive(to sink, r *http.Request, hs *handshake, x *session) {
	c := &requestConn{
		session: x, reads: hs.stream, sink: to, request: r,
		feeds:  make([]stream.Feed, len(hs.stream.Subs)),
		pages:  make(chan page, len(hs.stream.Subs)), // one job a topic at a time
		signal: make(chan struct{}, 1),
		ended:  make(chan stream.Reason, 1),
		told:   make(chan []byte, 1),
	}
	x.driver, x.stream = c, &c.reads
	ctx, cancel := context.WithCancel(s.ctx)
	defer cancel()
	c.late = time.AfterFunc(heartbeat.Never, cancel)
	defer c.late.Stop()
	for i := range c.reads.Subs {
		u := &c.reads.Subs[i]
		c.feeds[i].Topic = u.Topic
		u.Feed = &c.feeds[i]
		u.Topic.Watch(c)
	}
	c.follow()
	if !s.join(x) {
		c.End(stream.Drain)
	}
	aborted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { c.sink.abort(); close(aborted) })
	reason, err := c.run(r.Context(), hs)
	if !stop() {
		<-aborted
		reason, err = c.cutOff(reason), nil
	}
	c.sink.close()
	for i := range c.reads.Subs {
		c.reads.Subs[i].Topic.Unwatch(c)
		c.reads.Subs[i].Leave()
	}
	c.gone.Store(true)
	c.unfollow(reason)
	c.dropPages()
	x.Left(reason, err, c.sent)
}

// cutOff returns why a stream was.
func (c *requestConn) cutOff(reason stream.Reason) stream.Reason {
	if c.server.ctx.Err() != nil {
		return stream.Drain
	}
	select {
	case reason = <-c.ended: // before it could see that
	default:
	}
	return reason
}

// At implements driver.
func (c *requestConn) At() map[string]eventlog.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.reads.Positions()
}

func (c *requestConn) run(ctx context.Context, hs *handshake) (stream.Reason, error) {
	err := c.sink.begin(c.server.h, hs)
	if err == nil {
		err = c.write(hs.opening, stream.Counts{})
	}
	c.begun(c.request, hs)
	if err != nil {
		return writeFailure(err)
	}
	if at := c.expires(); at != nil {
		expiry := time.AfterFunc(time.Until(*at), func() { c.End(stream.TokenExpired) })
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
			return stream.Client, nil
		case <-c.sink.gone():
			return stream.Client, nil
		case <-c.server.ctx.Done():
			return stream.Drain, nil
		case reason := <-c.ended:
			return reason, c.finish(reason)
		case event := <-c.told:
			if err := c.write(event, stream.Counts{}); err != nil {
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
				return stream.PongTimeout, nil
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
		p, ok := c.reads.Next(c.pass, or(c.server.h.MaxWriteBytes, DefaultMaxWriteBytes), scratch[:0], c.choice())
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
		if scratch = p.Scratch; p.Block == nil {
			err = c.write(scratch, p.Counts)
		} else {
			p.Block.Pin()
			err = c.write(p.Block.Bytes(p.From, p.To), p.Counts)
			p.Block.Unpin()
		}
		if err == nil {
			c.accepted(p.Samples)
			for r, ok := c.reads.EndReplay(); ok; r, ok = c.reads.EndReplay() {
				c.Replayed(r)
			}
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
		c.server.goroutine.Saved.Add(c.feeds[i].Forget())
	}
}

// write gives bytes to the client, each write within the time-out.
func (c *requestConn) write(p []byte, n stream.Counts) error {
	c.mu.Lock()
	c.writing = time.Now()
	c.mu.Unlock()
	accepted, err := c.sink.write(p, or(c.server.h.WriteTimeout, DefaultWriteTimeout))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = time.Time{}
	c.quiet = c.server.clock() + c.server.heartbeat.Quiet()
	c.sent.Bytes += uint64(accepted)
	own, replayed := n.Bytes(0, uint32(accepted))
	c.server.goroutine.Replayed.Add(uint64(replayed))
	c.server.goroutine.Bytes.Add(uint64(accepted) - uint64(replayed) - uint64(own))
	if err != nil {
		return err
	}
	c.sent.Events += uint64(n.Events())
	c.server.goroutine.Add(n)
	return nil
}

// writeFailure tells why a write failed.
func writeFailure(err error) (stream.Reason, error) {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return stream.WriteTimeout, nil
	case errors.Is(err, http.ErrNotSupported): // a middleware that buffers the whole answer
		return stream.Error, err
	}
	return stream.Client, nil
}
