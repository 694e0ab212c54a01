package logtest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// testAppendAll appends batches next to each other: each has its events in its
// order, and what fails in one spoils nothing else of it.
func testAppendAll(t *testing.T, o Options) {
	const publishers, events = 4, 300
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	var wg sync.WaitGroup
	for n := range publishers {
		wg.Go(func() {
			entries := make([]eventlog.Entry, events)
			for i := range entries {
				entries[i] = entry(0, "%d by %d", i, n)
			}
			p.appendAll(t, "topic", entries)
		})
	}
	wg.Wait()
	slices.SortFunc(p.events["topic"], func(a, b Event) int { return a.ID.Compare(b.ID) })
	if results := p.log.AppendAll(context.Background(), "not a topic", make([]eventlog.Entry, 2)); len(results) != 2 || results[0].Err == nil || results[1].Err == nil {
		t.Errorf("append to what is no topic: %+v", results)
	}
	p.check(t)
}

// appendAll publishes a batch of which nothing fails.
func (p *published) appendAll(t *testing.T, topic string, entries []eventlog.Entry) {
	t.Helper()
	last := eventlog.ID{}
	for i, r := range p.log.AppendAll(context.Background(), topic, entries) {
		if r.Err != nil || r.Receipt.Duplicate || !last.Less(r.Receipt.ID) {
			t.Errorf("entry %d after %v: %+v", i, last, r)
			return
		}
		last = r.Receipt.ID
		p.add(topic, last, entries[i])
	}
}

// testAppendAllKeys has each key twice in one batch, and once more in another.
func testAppendAllKeys(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	var entries []eventlog.Entry
	for _, e := range []struct{ key, fingerprint string }{{"a", ""}, {"b", ""}, {"a", ""}, {"b", "other"}, {"c", ""}} {
		entries = append(entries, once(entry(0, "%s", e.key), e.key, e.fingerprint))
	}
	var ids []eventlog.ID
	for i, r := range p.log.AppendAll(context.Background(), "topic", entries) {
		switch i {
		case 0, 1, 4:
			if r.Err != nil || r.Receipt.Duplicate {
				t.Fatalf("entry %d: %+v", i, r)
			}
			p.add("topic", r.Receipt.ID, entries[i])
		case 2:
			if r.Err != nil || r.Receipt != (eventlog.Receipt{ID: ids[0], Duplicate: true}) {
				t.Errorf("the key again: %+v, want a duplicate of %v", r, ids[0])
			}
		case 3:
			if !errors.Is(r.Err, eventlog.ErrKeyReused) {
				t.Errorf("the key for something else: %+v", r)
			}
		}
		ids = append(ids, r.Receipt.ID)
	}
	for i, r := range p.log.AppendAll(context.Background(), "topic", entries[:2]) {
		if r.Err != nil || r.Receipt != (eventlog.Receipt{ID: ids[i], Duplicate: true}) {
			t.Errorf("entry %d again: %+v, want a duplicate of %v", i, r, ids[i])
		}
	}
	p.check(t)
}
