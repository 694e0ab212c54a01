package fanout

import (
	"container/heap"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Owner is how far one of a topic's owners has come. A request's goroutine may
// be stuck in a write; then it is stalled, and counts no more. The zero Owner
// follows nothing.
type Owner struct {
	topic   *Topic        // nil: it follows nothing; the owner's own
	at      eventlog.ID   // everything at or below was attempted
	place   int           // in the heap; -1: it is not in it
	writing time.Duration // since when it writes, by the server's clock; 0: it doesn't
}

// Follow begins to follow a topic. The owner counts from when it joins.
func (o *Owner) Follow(ts *Topics, topic *eventlog.Topic) { o.topic, o.place = ts.of(topic), -1 }

// Follows reports whether the owner follows a topic.
func (o *Owner) Follows() bool { return o.topic != nil }

// Topic returns the topic that it follows.
func (o *Owner) Topic() *Topic { return o.topic }

// At returns how far the owner has come, to itself.
func (o *Owner) At() eventlog.ID { return o.at }

// Join adds the owner, whose streams are at a position, unless it is there.
func (o *Owner) Join(at eventlog.ID) {
	t := o.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	if o.place >= 0 {
		return
	}
	if len(t.owners) == 0 && t.done.Less(at) {
		t.done = at
	}
	if at.Less(t.done) {
		at = t.done
	}
	o.at = at
	heap.Push(&t.owners, o)
}

// Leave takes the owner out, and returns the topic, which it no longer
// follows, and what it was the last to hold up. The topic is kept for a report
// until [Topics.Quit].
func (o *Owner) Leave() (*Topic, Run) {
	t := o.topic
	o.topic = nil
	t.mu.Lock()
	defer t.mu.Unlock()
	return t, t.remove(o)
}

// Passed moves the owner on, and returns what is fanned out by that. The
// writing says since when the owner is in a write, if it is.
func (o *Owner) Passed(at eventlog.ID, writing time.Duration) Run {
	t := o.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	o.writing = writing
	if !o.at.Less(at) {
		return Run{}
	}
	o.at = at
	if o.place < 0 {
		return Run{}
	}
	heap.Fix(&t.owners, o.place)
	return t.advance()
}

// Wrote notes that the write which the owner was in has ended.
func (o *Owner) Wrote() { o.Passed(o.at, 0) }

// Count adds what the owner knows of a traced event.
func (o *Owner) Count(id eventlog.ID, came Tally) {
	t := o.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.done.Less(id) {
		return
	}
	if t.traced == nil {
		t.traced = map[eventlog.ID]*Tally{}
	}
	if t.traced[id] == nil {
		t.traced[id] = &Tally{}
	}
	t.traced[id].add(came)
}

// Claim reports whether the owner is the first to ask for a traced event that
// is not fanned out yet: who follows it to a stream does so for all.
func (o *Owner) Claim(id eventlog.ID) bool {
	t := o.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.done.Less(id) || t.claimed[id] {
		return false
	}
	if t.claimed == nil {
		t.claimed = map[eventlog.ID]bool{}
	}
	t.claimed[id] = true
	return true
}

// Peers returns how many owners the topic has, one at least.
func (o *Owner) Peers() int {
	t := o.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(len(t.owners), 1)
}

// ownerHeap has the owner that is furthest behind first.
type ownerHeap []*Owner

func (h ownerHeap) Len() int           { return len(h) }
func (h ownerHeap) Less(i, k int) bool { return h[i].at.Less(h[k].at) }

func (h ownerHeap) Swap(i, k int) {
	h[i], h[k] = h[k], h[i]
	h[i].place, h[k].place = i, k
}

// Push implements heap.Interface.
func (h *ownerHeap) Push(x any) {
	o := x.(*Owner)
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
