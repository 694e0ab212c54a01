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

// TestCatchUpHoldsUpNobody: streams that catch up at full speed do not delay
// the live ones of the same loops until they are done, also where topics wait
// for a flush interval.
func TestCatchUpHoldsUpNobody(t *testing.T) {
	for _, interval := range []time.Duration{0, 20 * time.Millisecond} {
		t.Run(interval.String(), func(t *testing.T) {
			const backlog, readers = 20000, 8
			f := serve(t, options{handler: &sse.Handler{MaxWriteBytes: 256, FlushInterval: interval}})
			f.publishN("backlog", backlog, 100)
			live := f.resumer(t, "", "live")
			f.sinkhole(t, readers, "topic=backlog&last_event_id=0")
			for range 3 {
				f.publish("live", "x")
				live.toHead()
			}
			if sent := f.h.Stats().Sent.Events; sent > backlog*readers*9/10 {
				t.Errorf("live events came when %d of %d old ones were out", sent, backlog*readers)
			}
		})
	}
}

// TestFlushIntervalCoalesces: events within it share their writes.
func TestFlushIntervalCoalesces(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]options{"loop": {}, "hijacked": {listener: hideDescriptor}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const interval = 300 * time.Millisecond
			o.handler = &sse.Handler{FlushInterval: interval}
			f := serve(t, o)
			w := f.get(t, "topic=a")
			tr := newTrack(f.ledger, w.next(), "a")
			f.publish("a", "first")
			tr.event(w.next())
			before, began := len(w.chunks), time.Now()
			for range 20 {
				f.publish("a", "x")
				time.Sleep(time.Millisecond)
			}
			took := time.Since(began) // some 20 ms; on a busy machine it can be more than the interval
			for range 20 {
				tr.event(w.next())
			}
			if n := len(w.chunks) - before; n > 2+int(took/interval) {
				t.Errorf("%d writes for events of %v", n, took)
			}
		})
	}
}
