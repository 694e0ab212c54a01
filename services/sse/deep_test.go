package sse_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// deep is a store that keeps everything in memory behind the hot tails, until
// a test trims it, damages it or lets it fail.
type deep struct {
	mu     sync.Mutex // also orders what the sink is told
	sink   eventlog.Sink
	clock  eventlog.Clock
	born   eventlog.ID
	topics map[string]*deepTopic
	broken error         // Read fails with it
	gate   chan struct{} // where not nil, Read of gated topics waits for it to be closed
	gated  []string      // none: all
	reads  int

	between func() // called with mu held while a topic is being created
}

type deepTopic struct {
	events  []eventlog.Event
	trimmed eventlog.ID
	bad     []eventlog.ID // cannot be read
	number  uint64        // of the last
}

func newDeep() *deep { return &deep{topics: map[string]*deepTopic{}} }

func (d *deep) Start(sink eventlog.Sink) (map[string]eventlog.State, error) {
	d.sink = sink
	d.born = d.clock.Next()
	return nil, nil
}

func (d *deep) Append(_ context.Context, topic string, entries []eventlog.Entry) []eventlog.Result {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.topics[topic]
	if t == nil {
		t = &deepTopic{trimmed: d.born}
		d.topics[topic] = t
		d.sink.Trimmed(topic, d.state(t))
		if d.between != nil {
			d.between()
		}
	}
	results := make([]eventlog.Result, len(entries))
	for i, e := range entries {
		event := eventlog.Event{ID: d.clock.Next(), Record: e.Record}
		event.Data = slices.Clone(e.Data)
		t.number++
		event.Number = t.number
		t.events = append(t.events, event)
		d.sink.Committed(topic, []eventlog.Event{event})
		results[i].Receipt.ID = event.ID
	}
	return results
}

func (d *deep) state(t *deepTopic) eventlog.State {
	s := eventlog.State{Last: t.trimmed, Trimmed: t.trimmed, Born: d.born, Events: int64(len(t.events)), Number: t.number}
	if len(t.events) > 0 {
		s.Oldest, s.Last = t.events[0].ID, t.events[len(t.events)-1].ID
	}
	for _, e := range t.events {
		s.Bytes += int64(e.Size())
	}
	return s
}

func (d *deep) Read(ctx context.Context, topic string, after, until eventlog.ID, visit func(eventlog.Event) bool) error {
	d.mu.Lock()
	d.reads++
	broken, gate := d.broken, d.gate
	if len(d.gated) > 0 && !slices.Contains(d.gated, topic) {
		gate = nil
	}
	events, bad, trimmed := []eventlog.Event(nil), []eventlog.ID(nil), eventlog.ID{}
	if t := d.topics[topic]; t != nil {
		events, bad, trimmed = t.events, t.bad, t.trimmed
	}
	d.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if broken != nil {
		return fmt.Errorf("%w: %w", eventlog.ErrStoreFailed, broken)
	}
	if after.Less(trimmed) {
		return &eventlog.GapError{Topic: topic, After: after, Through: trimmed, Cause: eventlog.Expired}
	}
	i, found := slices.BinarySearchFunc(events, after, func(e eventlog.Event, id eventlog.ID) int { return e.ID.Compare(id) })
	if found {
		i++
	}
	first := i
	for ; i < len(events) && !until.Less(events[i].ID); i++ {
		if slices.Contains(bad, events[i].ID) {
			if i > first {
				return nil
			}
			for i < len(events) && slices.Contains(bad, events[i].ID) {
				i++
			}
			return &eventlog.GapError{Topic: topic, After: after, Through: events[i-1].ID, Cause: eventlog.Damaged}
		}
		if !visit(events[i]) {
			return nil
		}
	}
	return nil
}

func (d *deep) Close() error { return nil }

// trim takes everything up to and including an id.
func (d *deep) trim(topic string, through eventlog.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.topics[topic]
	t.events = slices.DeleteFunc(slices.Clone(t.events), func(e eventlog.Event) bool { return !through.Less(e.ID) })
	last := d.state(t).Last
	t.trimmed = through
	s := d.state(t)
	if len(t.events) == 0 {
		s.Last = last
	}
	d.sink.Trimmed(topic, s)
}

// damage makes events unreadable.
func (d *deep) damage(topic string, ids ...eventlog.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.topics[topic].bad = append(d.topics[topic].bad, ids...)
}

// fail lets reads fail, or work again with nil.
func (d *deep) fail(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.broken = nil; text != "" {
		d.broken = errors.New(text)
	}
}

// hold makes reads of some topics, or of all, wait until the returned function
// is called.
func (d *deep) hold(topics ...string) (release func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	gate := make(chan struct{})
	d.gate, d.gated = gate, topics
	return func() {
		d.mu.Lock()
		d.gate = nil
		d.mu.Unlock()
		close(gate)
	}
}

func (d *deep) readCount() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.reads
}
