package sse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/sse"
)

// TestTopicsTakeTurns: a topic with a huge backlog does not hold up another
// of the same connection, and large events count by their bytes.
func TestTopicsTakeTurns(t *testing.T) {
	f := serve(t, options{})
	f.publishN("huge", 200, 40<<10)
	f.publishN("small", 2000, 100)
	w := f.get(t, "topic=huge&topic=small", "Last-Event-ID: 0")
	tr := newTrack(f.ledger, w.next(), "huge", "small")
	bytes := map[string]int{}
	for len(f.after("small", tr.at[1])) > 0 {
		m := w.next()
		tr.event(m)
		topic, _, _ := strings.Cut(m.Data, " ")
		bytes[topic] += len(m.Data)
		if d := bytes["huge"] - bytes["small"]; bytes["small"] > 0 && d > 1<<20 {
			t.Fatalf("huge is %d bytes ahead of small's %d", d, bytes["small"])
		}
	}
	if bytes["huge"] == 0 {
		t.Error("the huge topic starved")
	}
}

// TestCatchUpHoldsUpNobody: a stream that catches up at full speed delays no
// live one on the same loops, with a flush interval as well.
func TestCatchUpHoldsUpNobody(t *testing.T) {
	for _, interval := range []time.Duration{0, 20 * time.Millisecond} {
		t.Run(interval.String(), func(t *testing.T) {
			f := serve(t, options{handler: &sse.Handler{MaxWriteBytes: 256, FlushInterval: interval}})
			f.publishN("backlog", 20000, 100)
			live := [4]*wire{}
			tracks := [4]*track{}
			for i := range live {
				live[i] = f.get(t, "topic=live")
				tracks[i] = newTrack(f.ledger, live[i].next(), "live")
			}
			// One a loop, read by goroutines of their own.
			stop, done := make(chan struct{}), make(chan int, 4)
			for range cap(done) {
				w := f.get(t, "topic=backlog", "Last-Event-ID: 0")
				go func() {
					n := 0
					defer func() { done <- n }()
					for ; n < 20001; n++ {
						if _, err := w.Next(); err != nil {
							return
						}
						select {
						case <-stop:
							return
						default:
						}
					}
				}()
			}
			for range 3 {
				f.publish("live", "x")
				for i, w := range live {
					tracks[i].event(w.next())
				}
			}
			close(stop)
			behind := 0
			for range cap(done) {
				if n := <-done; n < 20001 {
					behind++
				}
			}
			if behind == 0 {
				t.Error("live events came only when all had caught up")
			}
		})
	}
}

// TestFlushIntervalCoalesces: events within it share their writes.
func TestFlushIntervalCoalesces(t *testing.T) {
	for name, o := range map[string]options{"loop": {}, "hijacked": {listener: hideDescriptor}} {
		t.Run(name, func(t *testing.T) {
			o.handler = &sse.Handler{FlushInterval: 300 * time.Millisecond}
			f := serve(t, o)
			w := f.get(t, "topic=a")
			tr := newTrack(f.ledger, w.next(), "a")
			f.publish("a", "first")
			tr.event(w.next())
			before := len(w.chunks)
			for range 20 {
				f.publish("a", "x")
				time.Sleep(time.Millisecond)
			}
			for range 20 {
				tr.event(w.next())
			}
			if n := len(w.chunks) - before; n > 2 {
				t.Errorf("%d writes for events of 20 ms", n)
			}
		})
	}
}
