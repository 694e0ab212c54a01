package eventlog

import (
	"container/list"
	"slices"
	"sync"
	"time"
)

// Waker is woken when a topic that it watches has grown. Wake carries no
// payload, must not block, and may be called more often than needed.
type Waker interface{ Wake() }

// Topic is one topic of a Log: its head and its hot tail. It may exist only
// because somebody follows it.
type Topic struct {
	log  *Log
	name string

	readings readings      // what became of its events at readers
	fetching chan struct{} // one slot: a topic is read from its store by one reader at a time

	refs    int           // followers; guarded by log.mu
	element *list.Element // place in log.order; guarded by log.orderMu

	mu       sync.Mutex // held for a few memory accesses, never across I/O
	exists   bool
	accepted uint64 // events that were committed since the log was opened
	state    State
	blocks   []*Block // rising by position, replaced and never changed in place
	open     bool     // whether the last block may be appended to
	bytes    int64    // account of blocks
	watchers []Waker  // replaced, never changed in place
}

// Name returns the topic's name.
func (t *Topic) Name() string { return t.name }

// View returns what of the topic is in memory now.
func (t *Topic) View() View {
	t.mu.Lock()
	defer t.mu.Unlock()
	v := View{Head: t.state.Last, Trimmed: t.state.Trimmed, Born: t.state.Born, Number: t.state.Number, blocks: t.blocks}
	if n := len(t.blocks); n > 0 {
		v.marks = t.blocks[n-1].marks
	}
	return v
}

// State returns the topic's state, and whether it exists in the store.
func (t *Topic) State() (State, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state, t.exists
}

func (t *Topic) setExists(exists bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.exists = exists
}

// Watch makes the topic wake w until Unwatch. What was committed before Watch
// returned may not wake: look at the topic once after it.
func (t *Topic) Watch(w Waker) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers = append(slices.Clone(t.watchers), w)
}

// Unwatch ends what Watch began. A wake-up under way may still arrive.
func (t *Topic) Unwatch(w Waker) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watchers = slices.DeleteFunc(slices.Clone(t.watchers), func(x Waker) bool { return x == w })
}

// commit appends committed events to the tail and wakes the watchers.
func (t *Topic) commit(events []Event) {
	at := t.log.moment(time.Now())
	lines := t.log.encode(events)
	t.mu.Lock()
	t.accepted += uint64(len(events))
	for i := range events {
		e := &events[i]
		body := lines.body(i)
		t.state.Number++
		t.append(e.ID, t.state.Number, body, at)
		if t.state.Events == 0 { // or the append evicted all there was
			t.state.Oldest = e.ID
		}
		t.state.Events++
		t.state.Bytes += int64(len(body))
		t.state.Last = e.ID
		if e.Kind == KindEnd {
			t.state.Ended = e.ID
		}
	}
	watchers := t.watchers
	t.mu.Unlock()
	t.log.release(lines)
	for _, w := range watchers {
		w.Wake()
	}
}

// hot returns how many events are in memory. t.mu is held.
func (t *Topic) hot() (n int) {
	for _, b := range t.blocks {
		n += len(b.marks)
	}
	return n
}
