package logtest

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

func testIDsRise(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	var last eventlog.ID
	for i := range 200 {
		id := p.append(t, fmt.Sprintf("topic-%d", i%3), entry(0, "%d", i))
		if !last.Less(id) {
			t.Fatalf("%v was given after %v", id, last)
		}
		last = id
	}
	p.check(t)
}

func testSizes(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	huge := eventlog.Entry{Record: eventlog.Record{Data: bytes.Repeat([]byte("\x00\xff\n:"), 64<<10)}}
	for range 3 {
		p.append(t, "sizes", eventlog.Entry{})
		p.append(t, "sizes", huge)
		p.append(t, "sizes", entry(5000, "a page and a bit"))
	}
	p.append(t, "huge", huge)
	p.check(t)
}

// testVisibility looks from a second goroutine: what Append returned is there,
// and nothing is that was not appended.
func testVisibility(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	topic := p.log.Follow("seen")
	defer p.log.Leave(topic)
	if v := topic.View(); !v.Head.IsZero() {
		t.Errorf("a topic that does not exist has head %v", v.Head)
	}
	for i := range 50 {
		id := p.append(t, "seen", entry(0, "%d", i))
		if v := topic.View(); v.Head != id {
			t.Fatalf("after the append of %v the head is %v", id, v.Head)
		}
		r := NewReader(p.log, "seen", id)
		if r.CatchUp(t.Context()); len(r.Events) > 0 {
			t.Fatalf("after the head %v there is %v", id, r.Events[0].ID)
		}
		r.Close()
	}
	p.check(t)
}

// testConcurrent has publishers and readers of the same topics at work
// together: readers that follow from the start, and some that come late.
func testConcurrent(t *testing.T, o Options) {
	const topics, publishers, events = 4, 8, 100
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var readers, writers sync.WaitGroup
	follow := func(topic string) {
		r := NewReader(p.log, topic, eventlog.ID{})
		readers.Go(func() {
			defer r.Close()
			if err := r.Follow(ctx, publishers*events); err != nil {
				t.Errorf("%s: %v after %d events", topic, err, len(r.Events))
				return
			}
			checkFollowed(t, topic, r, publishers, events)
		})
	}
	for i := range topics {
		topic := fmt.Sprintf("topic-%d", i)
		for range 3 {
			follow(topic)
		}
		for n := range publishers {
			writers.Go(func() {
				for i := range events {
					_, err := p.log.Append(ctx, topic, entry(0, "%d/%d", n, i))
					if err != nil {
						t.Errorf("append: %v", err)
					}
				}
			})
		}
	}
	time.Sleep(time.Millisecond)
	for i := range topics {
		follow(fmt.Sprintf("topic-%d", i))
	}
	writers.Wait()
	readers.Wait()
	for i := range topics { // what one reader saw is what everybody will see
		topic := fmt.Sprintf("topic-%d", i)
		r := NewReader(p.log, topic, eventlog.ID{})
		r.CatchUp(ctx)
		p.events[topic] = r.Events
		r.Close()
	}
	p.check(t)
}

// checkFollowed proves that each publisher's events came once and in order.
func checkFollowed(t *testing.T, topic string, r *Reader, publishers, events int) {
	if len(r.Gaps) > 0 {
		t.Errorf("%s: %v", topic, r.Gaps[0])
	}
	next := make([]int, publishers)
	var last eventlog.ID
	for _, e := range r.Events {
		var n, i int
		fmt.Sscanf(string(e.Body), "data: %d/%d", &n, &i)
		if next[n] != i || !last.Less(e.ID) {
			t.Errorf("%s: event %d of publisher %d came where %d was due, at %v after %v", topic, i, n, next[n], e.ID, last)
			return
		}
		next[n], last = i+1, e.ID
	}
	for n := range next {
		if next[n] != events {
			t.Errorf("%s: %d of %d events of publisher %d came", topic, next[n], events, n)
		}
	}
}
