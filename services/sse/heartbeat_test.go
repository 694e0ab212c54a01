package sse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/sse"
)

const comment = ": ping\n\n"

// TestHeartbeatAfterSilence: and not before it.
func TestHeartbeatAfterSilence(t *testing.T) {
	t.Parallel()
	const interval = 300 * time.Millisecond
	for name, o := range map[string]options{"loop": {}, "request": {tls: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.handler = &sse.Handler{HeartbeatInterval: interval}
			f := serve(t, o)
			c := f.follow(t, "topic=a", "")
			if o := expectOpen(t, c.next()); o.Heartbeat.IntervalMS != interval.Milliseconds() {
				t.Errorf("%+v", o.Heartbeat)
			}
			buf := make([]byte, 100)
			for range 3 {
				from := time.Now()
				n, err := c.answer.Body.Read(buf)
				if err != nil || string(buf[:n]) != comment {
					t.Fatalf("%q, %v", buf[:n], err)
				}
				if took := time.Since(from); took < interval/2 {
					t.Errorf("a heartbeat after %v", took)
				}
			}
			// Traffic takes its place.
			for until := time.Now().Add(2 * interval); time.Now().Before(until); time.Sleep(interval / 10) {
				f.publish("a", "x")
				if n, err := c.answer.Body.Read(buf); err != nil || strings.Contains(string(buf[:n]), "ping") {
					t.Fatalf("%q, %v", buf[:n], err)
				}
			}
		})
	}
}

// TestHeartbeatNever: a negative interval turns it off, also in stream.open.
func TestHeartbeatNever(t *testing.T) {
	t.Parallel()
	f := serve(t, options{handler: &sse.Handler{HeartbeatInterval: -1}})
	w := f.get(t, "topic=a")
	if o := expectOpen(t, w.next()); o.Heartbeat.IntervalMS != 0 {
		t.Errorf("%+v", o.Heartbeat)
	}
	_ = w.conn.SetReadDeadline(time.Now().Add(400 * time.Millisecond))
	if m, err := w.Next(); !isTimeout(err) {
		t.Errorf("%v, %v", m, err)
	}
}

// TestHeartbeatOutsideChunks: a reader that stalls within chunks for longer
// than the interval finds no comment in them, and the stream whole.
func TestHeartbeatOutsideChunks(t *testing.T) {
	t.Parallel()
	f := serve(t, options{handler: &sse.Handler{HeartbeatInterval: 200 * time.Millisecond}, listener: smallBuffers})
	w := f.get(t, "topic=a")
	tr := newTrack(f.ledger, w.next(), "a")
	const n = 20
	for range n {
		f.publish("a", strings.Repeat("x", 250<<10))
	}
	for i := range n {
		if i < 3 {
			await(t, "a stall", func() bool { return f.h.Stats().Stalls > 0 })
			time.Sleep(350 * time.Millisecond) // longer than any heartbeat waits
		}
		tr.event(w.next())
	}
}
