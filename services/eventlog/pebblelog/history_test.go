package pebblelog

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/logtest"
	"github.com/sluice-stream/sluice/services/wire"
)

// history is what was published to a store.
type history map[string][]eventlog.Event

// append publishes an event, every second one with an idempotency key and every
// third about a key.
func (h history) append(log *eventlog.Log, topic string, size int) error {
	n := len(h[topic])
	e := eventlog.Entry{Record: eventlog.Record{Data: bytes.Repeat(fmt.Appendf(nil, "%s %d;", topic, n), size/4+1)[:size]}}
	if n%2 == 0 {
		e.Idempotency = &eventlog.Idempotency{}
		binary.LittleEndian.PutUint64(e.Idempotency.Key[:], rand.Uint64())
	}
	if n%3 == 0 {
		e.Key = fmt.Sprint("key ", n%7)
	}
	receipt, err := log.Append(context.Background(), topic, e)
	if err == nil {
		h[topic] = append(h[topic], eventlog.Event{ID: receipt.ID, Record: e.Record})
	}
	return err
}

// noise publishes an event that can't be compressed.
func (h history) noise(log *eventlog.Log, topic string, size int) error {
	e := eventlog.Entry{Record: eventlog.Record{Data: make([]byte, size)}}
	for i := range e.Data {
		e.Data[i] = ' ' + byte(rand.IntN(95))
	}
	receipt, err := log.Append(context.Background(), topic, e)
	if err == nil {
		h[topic] = append(h[topic], eventlog.Event{ID: receipt.ID, Record: e.Record})
	}
	return err
}

// write opens a store, publishes and closes it again.
func (h history) write(t testing.TB, dir string, o Options, topic string, sizes ...int) {
	t.Helper()
	_, log := open(t, dir, o)
	for _, n := range sizes {
		if err := h.append(log, topic, n); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// open opens a log that the test has to close.
func open(t testing.TB, dir string, o Options) (*Store, *eventlog.Log) {
	t.Helper()
	if o.Memory == 0 {
		o.Memory = leastMemory
	}
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	log, err := eventlog.Open(s, eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}

// sound reports whatever damage is met as an error.
func sound(t testing.TB) func(string, error) {
	return func(topic string, err error) { t.Errorf("damage in %q: %v", topic, err) }
}

// check proves that every event of the history comes intact or is in a gap,
// and that nothing else comes. It returns how many were damaged.
func (h history) check(t testing.TB, log *eventlog.Log) (missing int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for topic, events := range h {
		r := logtest.NewReader(log, topic, eventlog.ID{})
		if err := r.CatchUp(ctx); err != nil {
			t.Errorf("read %s: %v", topic, err)
		}
		missing += compare(t, log, topic, events, r)
		r.Close()
	}
	return missing
}

func compare(t testing.TB, log *eventlog.Log, topic string, events []eventlog.Event, r *logtest.Reader) (missing int) {
	t.Helper()
	got := r.Events
	for i := range events {
		e := &events[i]
		if len(got) > 0 && got[0].ID == e.ID {
			if !bytes.Equal(got[0].Body, e.AppendBody(nil)) {
				t.Errorf("%s: %v came damaged", topic, e.ID)
			}
			got = got[1:]
			continue
		}
		gap := gapOf(r.Gaps, e.ID)
		if gap == nil {
			if state, _ := log.State(topic); state.Last.Less(e.ID) { // who presents it is told
				missing++
				continue
			}
			t.Errorf("%s: %v neither came nor is in a gap of %v", topic, e.ID, r.Gaps)
			return missing
		}
		if gap.Cause == eventlog.Damaged {
			missing++
		}
	}
	if len(got) > 0 {
		t.Errorf("%s: %v came, which nobody published there", topic, got[0].ID)
	}
	return missing
}

func gapOf(gaps []*eventlog.GapError, id eventlog.ID) *eventlog.GapError {
	for _, g := range gaps {
		if g.After.Less(id) && !g.Through.Less(id) {
			return g
		}
	}
	return nil
}

func (h history) clone() history {
	c := history{}
	for topic, events := range h {
		c[topic] = append([]eventlog.Event{}, events...)
	}
	return c
}

// forgetEnd takes from the history what a log has lost at its end: a cut log is
// what a crash leaves, so nobody can tell that those were on the disk. They are
// the last of all topics together.
func (h history) forgetEnd(t testing.TB, log *eventlog.Log) (forgotten int) {
	t.Helper()
	first, last := wire.MaxID, eventlog.ID{}
	for topic, events := range h {
		state, _ := log.State(topic)
		n := len(events)
		for ; n > 0 && state.Last.Less(events[n-1].ID); n-- {
			forgotten++
		}
		if n < len(events) && events[n].ID.Less(first) {
			first = events[n].ID
		}
		if n > 0 && last.Less(events[n-1].ID) {
			last = events[n-1].ID
		}
		h[topic] = events[:n]
	}
	if !last.Less(first) {
		t.Errorf("%v is lost, and %v is there", first, last)
	}
	return forgotten
}
