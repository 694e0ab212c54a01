package sse_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/netutil"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// drivers are the ways a stream is written: by a delivery loop, by its
// request's goroutine through net/http, and by that over a socket that hides
// its descriptor.
var drivers = map[string]options{
	"loop":     {},
	"HTTP/2":   {tls: true},
	"hijacked": {listener: hideDescriptor},
}

func hideDescriptor(l net.Listener) net.Listener { return netutil.LimitListener(l, 1000) }

// TestWriteTimeout: who takes nothing is cut off, with the reason, and
// resumes without loss.
func TestWriteTimeout(t *testing.T) {
	t.Parallel()
	for name, o := range drivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.handler = &sse.Handler{WriteTimeout: 300 * time.Millisecond}
			f := serve(t, o)
			c := f.follow(t, "topic=a", "")
			opened := c.next()
			f.publishN("a", 60, 250<<10) // more than sockets and HTTP/2 windows hold
			e := f.observer.ended(t, 0)
			if e.reason != sse.ReasonWriteTimeout || e.err != nil {
				t.Errorf("%s, %v", e.reason, e.err)
			}
			if e.sent.Events >= 60 || e.sent.Bytes == 0 {
				t.Errorf("sent: %+v", e.sent)
			}
			tr := newTrack(f.ledger, opened, "a")
			for {
				m, err := c.Next()
				if err != nil {
					break
				}
				tr.event(m)
			}
			if uint64(tr.count) > e.sent.Events+1 {
				t.Errorf("%d events arrived, %d were sent", tr.count, e.sent.Events)
			}
			c.hangUp()
			// The time-out is so short that a busy machine meets it again.
			for again := 0; tr.count < 60; again++ {
				c := f.follow(t, "topic=a", tr.last)
				if m := c.next(); expectOpen(t, m).Topics[0].Outcome != eventlog.OutcomeReplay {
					t.Fatalf("resuming from %s: %+v", tr.last, m)
				}
				for tr.count < 60 {
					m, err := c.Next()
					if err != nil {
						break
					}
					tr.event(m)
				}
				c.hangUp()
				if again > 20 {
					t.Fatal("it gets no further")
				}
			}
		})
	}
}

// TestWriteTimeoutSparesSlowReaders: what counts is that no byte is accepted,
// not how long a write takes.
func TestWriteTimeoutSparesSlowReaders(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]options{"HTTP/1.1": {}, "HTTP/1.0": {}, "hijacked": {listener: hideDescriptor}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const timeout = 500 * time.Millisecond
			inner := o.listener
			o.listener = func(l net.Listener) net.Listener {
				if l = smallBuffers(l); inner != nil {
					l = inner(l)
				}
				return l
			}
			o.handler = &sse.Handler{WriteTimeout: timeout}
			f := serve(t, o)
			w := f.dial(t, 0)
			_ = w.conn.SetReadBuffer(64 << 10)
			if name == "HTTP/1.0" {
				w.send("GET /v1/events?topic=a HTTP/1.0\r\n\r\n")
			} else {
				w.request("GET", "/v1/events?topic=a")
			}
			f.observer.wait(t, "the stream", func() bool { return len(f.observer.connected) == 1 })
			f.publish("a", strings.Repeat("x", 1<<20))
			id := f.publish("a", "behind")
			var got strings.Builder
			buf := make([]byte, 64<<10)
			from := time.Now()
			for !strings.Contains(got.String(), id.String()) {
				n, err := w.conn.Read(buf)
				if err != nil {
					t.Fatalf("after %v and %d bytes: %v; %+v", time.Since(from), got.Len(), err, f.observer.all())
				}
				got.Write(buf[:n])
				if got.Len() < 900<<10 {
					time.Sleep(time.Duration(n) * 1600 * time.Millisecond >> 20) // 0.6 MB/s
				}
			}
			if took := time.Since(from); took < 2*timeout {
				t.Errorf("read in %v: too fast to prove anything", took)
			}
		})
	}
}

// TestNoDeadlineAtRest: neither the deadline of the last write nor the
// server's for whole requests and answers ends a stream that is silent.
func TestNoDeadlineAtRest(t *testing.T) {
	t.Parallel()
	const timeout = time.Second // in which there has to be a TLS handshake, too
	configured := func(s *http.Server) { s.ReadTimeout, s.WriteTimeout, s.IdleTimeout = timeout, timeout, timeout }
	for name, o := range drivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.handler, o.config = &sse.Handler{WriteTimeout: timeout}, configured
			f := serve(t, o)
			c := f.follow(t, "topic=a", "")
			tr := newTrack(f.ledger, c.next(), "a")
			for range 2 {
				time.Sleep(2 * timeout)
				f.publish("a", "x")
				tr.event(c.next())
			}
		})
	}
	t.Run("HTTP/1.0", func(t *testing.T) {
		t.Parallel()
		f := serve(t, options{handler: &sse.Handler{WriteTimeout: timeout}, config: configured})
		w := f.dial(t, 0)
		w.send("GET /v1/events?topic=a HTTP/1.0\r\n\r\n")
		if status, _ := w.head(); status != "HTTP/1.0 200 OK" {
			t.Fatal(status)
		}
		w.Decoder = wire.NewDecoder(w.in)
		tr := newTrack(f.ledger, w.next(), "a")
		for range 2 {
			time.Sleep(2 * timeout)
			f.publish("a", "x")
			tr.event(w.next())
		}
	})
}

// TestMemoryEndsWhoPinsIt: stalled streams that pin more than the budget has
// are closed, the longest stalled first, and the others live on.
func TestMemoryEndsWhoPinsIt(t *testing.T) {
	f := serve(t, options{store: newDeep(), budget: 4 << 20, handler: &sse.Handler{WriteTimeout: patience}})
	live := f.resumer(t, "", "a")
	var stalled []*http1
	for range 10 { // each stalls at a place of its own, with a copy of its own
		w := f.get(t, "topic=a&topic=b")
		w.next()
		stalled = append(stalled, w)
		f.publishN("a", 1, 900<<10)
		live.toHead()
	}
	if e := f.observer.ended(t, 0); e.reason != sse.ReasonMemory {
		t.Errorf("ended: %s", e.reason)
	}
	await(t, "the account to fit", func() bool { return f.log.Memory() <= 5<<20 })
	for _, e := range f.observer.all() {
		if e.reason != sse.ReasonMemory || len(e.conn.Topics) != 2 {
			t.Errorf("ended: %s of %v", e.reason, e.conn.Topics)
		}
	}
	if live.cuts > 0 {
		t.Errorf("the live reader was cut off %d times", live.cuts)
	}
	for _, w := range stalled {
		w.reset()
	}
}

// TestHangUp: a client that leaves is noticed without any traffic.
func TestHangUp(t *testing.T) {
	for name, leave := range map[string]func(w *http1){
		"FIN":        func(w *http1) { w.conn.Close() },
		"RST":        func(w *http1) { w.reset() },
		"half close": func(w *http1) { _ = w.conn.CloseWrite() },
		"RST with input": func(w *http1) {
			_, _ = w.conn.Write([]byte(strings.Repeat("x", 1000)))
			w.reset()
		},
	} {
		t.Run(name, func(t *testing.T) {
			for kind, o := range map[string]options{"loop": {}, "hijacked": {listener: hideDescriptor}} {
				f := serve(t, o)
				w := f.get(t, "topic=ghost&topic=a")
				w.next()
				from := time.Now()
				leave(w)
				if e := f.observer.ended(t, 0); e.reason != sse.ReasonClient || e.err != nil {
					t.Errorf("%s: %s, %v", kind, e.reason, e.err)
				}
				if took := time.Since(from); took > 5*time.Second {
					t.Errorf("%s: noticed after %v", kind, took)
				}
				await(t, "everything to be free", func() bool { return f.h.Stats().Connections == 0 })
				f.checkUnfollowed("ghost", "a")
			}
		})
	}
}
