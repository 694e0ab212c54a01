package fanout

import (
	"container/heap"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// Topics are the topics that have readers. The zero value is ready.
type Topics struct {
	mu     sync.Mutex // guards topics
	topics map[*eventlog.Topic]*Topic
}

// Topic is one of them, with its owners. An event is fanned out when the last
// of them has come past it.
type Topic struct {
	topic *eventlog.Topic

	mu     sync.Mutex // guards what follows and the owners'; held to compute only
	owners ownerHeap
	done   eventlog.ID // all owners have come past it
	traced map[eventlog.ID]*Tally
	// claimed are the traced events that somebody follows to a stream.
	claimed map[eventlog.ID]bool
	joined  int
}

// Tally is what a traced event came to.
type Tally struct {
	Connections int           // that it was written to
	Stalled     int           // live streams whose sockets were full
	Lag         time.Duration // for how long the longest of these had been
}

func (t *Tally) add(u Tally) {
	t.Connections += u.Connections
	t.Stalled += u.Stalled
	t.Lag = max(t.Lag, u.Lag)
}

// Run is a run of events that were fanned out: those after one position up to
// another. The zero Run is none.
type Run struct{ After, Through eventlog.ID }

// All returns the topics.
func (ts *Topics) All() []*Topic {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	all := make([]*Topic, 0, len(ts.topics))
	for _, t := range ts.topics {
		all = append(all, t)
	}
	return all
}

func (ts *Topics) of(topic *eventlog.Topic) *Topic {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.topics == nil {
		ts.topics = map[*eventlog.Topic]*Topic{}
	}
	t := ts.topics[topic]
	if t == nil {
		t = &Topic{topic: topic}
		ts.topics[topic] = t
	}
	t.joined++
	return t
}

// Quit ends what Follow began, once what Leave returned was reported.
func (ts *Topics) Quit(t *Topic) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if t.joined--; t.joined == 0 {
		delete(ts.topics, t.topic)
	}
}

// Name returns the topic's.
func (t *Topic) Name() string { return t.topic.Name() }

// View returns what readers see of the topic now.
func (t *Topic) View() eventlog.View { return t.topic.View() }

func (t *Topic) advance() Run {
	if len(t.owners) == 0 || !t.done.Less(t.owners[0].at) {
		return Run{}
	}
	r := Run{t.done, t.owners[0].at}
	t.done = r.Through
	return r
}

func (t *Topic) remove(o *Owner) Run {
	if o.place >= 0 {
		heap.Remove(&t.owners, o.place)
	}
	return t.advance()
}

// Stuck takes out the owners that have been in a write since before a time.
func (t *Topic) Stuck(before time.Duration) Run {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := Run{}
	for len(t.owners) > 0 && t.owners[0].writing > 0 && t.owners[0].writing < before {
		if next := t.remove(t.owners[0]); next != (Run{}) {
			if r == (Run{}) {
				r.After = next.After
			}
			r.Through = next.Through
		}
	}
	return r
}

// Each calls f for the events of a run, with the traceparent of a traced one
// and what it came to.
func (t *Topic) Each(v *eventlog.View, r Run, f func(e eventlog.Visible, trace []byte, came Tally)) {
	if !r.After.Less(r.Through) {
		return
	}
	v.Each(r.After, r.Through, func(e eventlog.Visible) bool {
		trace := wire.TraceparentOf(e.Wire, e.ID)
		var came Tally
		if trace != nil {
			came = t.counted(e.ID)
		}
		f(e, trace, came)
		return true
	})
	t.forget(r.After)
}

// counted returns what a traced event came to, once.
func (t *Topic) counted(id eventlog.ID) (came Tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.claimed, id)
	if found := t.traced[id]; found != nil {
		came = *found
		delete(t.traced, id)
	}
	return came
}

// forget drops what was counted of events that were evicted before they could
// be reported.
func (t *Topic) forget(through eventlog.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range t.traced {
		if !through.Less(id) {
			delete(t.traced, id)
		}
	}
	for id := range t.claimed {
		if !through.Less(id) {
			delete(t.claimed, id)
		}
	}
}
