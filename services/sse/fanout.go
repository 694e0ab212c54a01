package sse

import (
	"container/heap"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// fanouts follows how far new events have come, in all topics that have
// readers.
type fanouts struct {
	mu     sync.Mutex // guards topics
	topics map[*eventlog.Topic]*fanout
}

// fanout is one topic: its owners, each of which writes it to some of the
// streams, a delivery loop to its share and a request's goroutine to one. An
// event is fanned out when the last of them has come past it.
type fanout struct {
	topic *eventlog.Topic

	mu     sync.Mutex // guards what follows and the owners'; held to compute only
	owners ownerHeap
	done   eventlog.ID // all owners have come past it
	traced map[eventlog.ID]*tally
	joined int
}

// owner is how far one of them has come. A request's goroutine may be stuck in
// a write; then it is stalled, and counts no more.
type owner struct {
	fanout  *fanout
	at      eventlog.ID   // everything at or below was attempted
	place   int           // in the heap; -1: it is not in it
	writing time.Duration // since when it writes, by the server's clock; 0: it doesn't
}

// tally is what a traced event came to.
type tally struct {
	connections, stalled int
	lag                  time.Duration
}

func (t *tally) add(u tally) {
	t.connections += u.connections
	t.stalled += u.stalled
	t.lag = max(t.lag, u.lag)
}

// run is a run of events that were fanned out: those after one position up to
// another.
type run struct{ after, through eventlog.ID }

// of returns what is to follow a topic. Each call wants a quit.
func (f *fanouts) of(t *eventlog.Topic) *fanout {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.topics == nil {
		f.topics = map[*eventlog.Topic]*fanout{}
	}
	o := f.topics[t]
	if o == nil {
		o = &fanout{topic: t}
		f.topics[t] = o
	}
	o.joined++
	return o
}

func (f *fanouts) quit(o *fanout) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if o.joined--; o.joined == 0 {
		delete(f.topics, o.topic)
	}
}

// join adds an owner whose streams are at a position.
func (f *fanout) join(o *owner, at eventlog.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.owners) == 0 && f.done.Less(at) {
		f.done = at
	}
	if at.Less(f.done) {
		at = f.done
	}
	o.fanout, o.at = f, at
	heap.Push(&f.owners, o)
}

// leave takes an owner out, and returns what it was the last to hold up.
func (f *fanout) leave(o *owner) run {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.remove(o)
}

func (f *fanout) remove(o *owner) run {
	if o.place >= 0 {
		heap.Remove(&f.owners, o.place)
	}
	return f.advance()
}

// passed moves an owner on, and returns what is fanned out by that. The
// writing says since when the owner is in a write, if it is.
func (f *fanout) passed(o *owner, at eventlog.ID, writing time.Duration) run {
	f.mu.Lock()
	defer f.mu.Unlock()
	o.writing = writing
	if !o.at.Less(at) {
		return run{}
	}
	o.at = at
	if o.place < 0 {
		return run{}
	}
	heap.Fix(&f.owners, o.place)
	return f.advance()
}

func (f *fanout) advance() run {
	if len(f.owners) == 0 || !f.done.Less(f.owners[0].at) {
		return run{}
	}
	r := run{f.done, f.owners[0].at}
	f.done = r.through
	return r
}

// stuck takes out the owners that have been in a write since before a time.
func (f *fanout) stuck(before time.Duration) run {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := run{}
	for len(f.owners) > 0 && f.owners[0].writing > 0 && f.owners[0].writing < before {
		if next := f.remove(f.owners[0]); next != (run{}) {
			if r == (run{}) {
				r.after = next.after
			}
			r.through = next.through
		}
	}
	return r
}

// count adds what an owner knows of a traced event.
func (f *fanout) count(id eventlog.ID, t tally) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.done.Less(id) {
		return
	}
	if f.traced == nil {
		f.traced = map[eventlog.ID]*tally{}
	}
	if f.traced[id] == nil {
		f.traced[id] = &tally{}
	}
	f.traced[id].add(t)
}

// counted returns what a traced event came to, once.
func (f *fanout) counted(id eventlog.ID) (t tally) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if found := f.traced[id]; found != nil {
		t = *found
		delete(f.traced, id)
	}
	return t
}

// report tells the meter of a run of events.
func (s *server) report(f *fanout, v *eventlog.View, r run, scratch []Fanout) []Fanout {
	scratch = scratch[:0]
	if !r.after.Less(r.through) {
		return scratch
	}
	now := time.Now()
	v.Each(r.after, r.through, func(e eventlog.Visible) bool {
		out := Fanout{ID: e.ID, Took: s.h.Log.Age(e, now), Bytes: len(e.Wire), Traceparent: wire.TraceparentOf(e.Wire, e.ID)}
		if out.Traceparent != nil {
			t := f.counted(e.ID)
			out.Connections, out.Stalled, out.Lag = t.connections, t.stalled, t.lag
		}
		scratch = append(scratch, out)
		return true
	})
	if len(scratch) > 0 {
		s.h.Meter.FannedOut(f.topic.Name(), scratch)
	}
	f.forget(r.after)
	return scratch
}

// forget drops what was counted of events that were evicted before they could
// be reported.
func (f *fanout) forget(through eventlog.ID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range f.traced {
		if !through.Less(id) {
			delete(f.traced, id)
		}
	}
}

// ownerHeap has the owner that is furthest behind first.
type ownerHeap []*owner

func (h ownerHeap) Len() int           { return len(h) }
func (h ownerHeap) Less(i, k int) bool { return h[i].at.Less(h[k].at) }

func (h ownerHeap) Swap(i, k int) {
	h[i], h[k] = h[k], h[i]
	h[i].place, h[k].place = i, k
}

// Push implements heap.Interface.
func (h *ownerHeap) Push(x any) {
	o := x.(*owner)
	o.place = len(*h)
	*h = append(*h, o)
}

// Pop implements heap.Interface.
func (h *ownerHeap) Pop() any {
	old := *h
	o := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	o.place = -1
	return o
}
