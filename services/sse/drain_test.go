package sse_test

import (
	"context"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/sse"
)

// TestDrain: every stream is told when it will end and ends then, in good
// order and not all at once, served until its end; who comes meanwhile is told
// to come back later than that.
func TestDrain(t *testing.T) {
	for name, o := range drivers {
		t.Run(name, func(t *testing.T) {
			f := serve(t, o)
			const streams, window = 40, 400 * time.Millisecond // as long as a drain of so many takes
			var clients []*client
			for range streams {
				c := f.follow(t, "topic=a", "")
				c.next()
				clients = append(clients, c)
			}
			start := time.Now()
			done := make(chan struct{})
			go func() {
				defer close(done)
				f.h.Drain(context.Background(), time.Minute)
			}()
			told := make([]time.Duration, streams)
			for i, c := range clients {
				m := c.next()
				if m.Type != "stream.drain" {
					t.Fatalf("%+v", m)
				}
				var d struct {
					EndsInMS int64 `json:"ends_in_ms"`
				}
				if err := json.Unmarshal([]byte(m.Data), &d); err != nil {
					t.Fatal(err)
				}
				told[i] = time.Duration(d.EndsInMS) * time.Millisecond
				if retry, ok := c.Retry(); !ok || retry < time.Second || retry > 3*time.Second {
					t.Errorf("retry: %v", retry)
				}
			}
			f.publish("a", "x")
			if name != "HTTP/2" {
				late := f.dial(t, 0)
				late.request("GET", "/v1/events?topic=a", "Last-Event-ID: 0")
				retry, r := expectRejected(t, late, 503, "draining", "0")
				if rest := window - time.Since(start); retry < rest || r.Permanent {
					t.Errorf("retry after %v although the drain goes on for %v", retry, rest)
				}
			}
			spread := map[time.Duration]bool{}
			events := uint64(0)
			for i, c := range clients {
				for m, err := c.Next(); err != io.EOF; m, err = c.Next() {
					if err != nil || m.Data != "a x" {
						t.Fatalf("%+v, %v", m, err)
					}
					events++
				}
				if passed := time.Since(start); passed < told[i]-10*time.Millisecond {
					t.Errorf("told to end after %v, ended after %v", told[i], passed)
				}
				spread[told[i].Truncate(50*time.Millisecond)] = true
			}
			<-done
			if len(spread) < 5 {
				t.Errorf("all streams ended at %v", spread)
			}
			sent := uint64(0)
			f.observer.wait(t, "the ends", func() bool { return len(f.observer.ends) == streams })
			for _, e := range f.observer.all() {
				if sent += e.sent.Events; e.reason != sse.ReasonDrain || e.err != nil {
					t.Errorf("%s, %v", e.reason, e.err)
				}
			}
			if sent != events {
				t.Errorf("%d events were sent, %d read", sent, events)
			}
		})
	}
}

// TestDrainOfNothing takes no time, and leaves no room.
func TestDrainOfNothing(t *testing.T) {
	f := serve(t, options{})
	start := time.Now()
	f.h.Drain(context.Background(), time.Minute)
	if d := time.Since(start); d > 30*time.Second { // of a minute
		t.Errorf("took %v", d)
	}
	w := f.dial(t, 0)
	w.request("GET", "/v1/events?topic=a")
	expectRejected(t, w, 503, "draining", "")
}
