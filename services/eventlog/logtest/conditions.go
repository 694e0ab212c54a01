package logtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// about is an entry of an event about a key.
func about(key string, c eventlog.Condition) eventlog.Entry {
	e := entry(0, "about %s", key)
	e.Key, e.Condition = key, c
	return e
}

var absent = eventlog.Condition{Absent: true}

func latestIs(id eventlog.ID) eventlog.Condition { return eventlog.Condition{At: id} }

// conflicts appends an entry whose condition does not hold.
func (p *published) conflicts(t *testing.T, topic string, e eventlog.Entry, latest eventlog.ID) {
	t.Helper()
	r, err := p.log.Append(context.Background(), topic, e)
	if c := (*eventlog.ConditionError)(nil); !errors.As(err, &c) || c.Latest != latest || r != (eventlog.Receipt{}) {
		t.Errorf("%s in %s where %+v is wanted: %+v, %v, want a conflict with %v", e.Key, topic, e.Condition, r, err, latest)
	}
}

func testConditions(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	never := eventlog.ID{MS: 1}
	p.conflicts(t, "none", about("a", latestIs(never)), eventlog.ID{}) // which makes no topic
	first := p.append(t, "topic", about("a", absent))
	p.conflicts(t, "topic", about("a", absent), first)
	p.conflicts(t, "topic", about("b", latestIs(first)), eventlog.ID{})
	other := p.append(t, "other", about("a", absent)) // a key is one of its topic
	p.append(t, "topic", entry(0, "about nothing"))
	second := p.append(t, "topic", about("a", latestIs(first)))
	p.conflicts(t, "topic", about("a", latestIs(first)), second)
	third := p.append(t, "topic", about("a", eventlog.Condition{}))
	p.conflicts(t, "topic", about("a", latestIs(second)), third)
	p.append(t, "other", about("a", latestIs(other)))

	tombstone := about("a", latestIs(third))
	tombstone.Kind = eventlog.KindTombstone
	p.append(t, "topic", tombstone)
	p.conflicts(t, "topic", about("a", latestIs(third)), eventlog.ID{})
	fourth := p.append(t, "topic", about("a", absent))

	// Idempotency is judged first, and a refusal is not remembered.
	p.conflicts(t, "topic", once(about("a", absent), "k", ""), fourth)
	fifth := p.append(t, "topic", once(about("a", latestIs(fourth)), "k", ""))
	again := once(about("a", latestIs(fourth)), "k", "")
	if r, err := p.log.Append(t.Context(), "topic", again); err != nil || r != (eventlog.Receipt{ID: fifth, Duplicate: true}) {
		t.Errorf("again under its key: %+v, %v", r, err)
	}
	p.check(t)
}

// testConditionsInBatch has each entry of a batch see those before it.
func testConditionsInBatch(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	entries := []eventlog.Entry{
		about("a", absent), about("a", absent), about("b", absent), about("a", eventlog.Condition{}),
		about("c", latestIs(eventlog.ID{MS: 1})), once(about("d", absent), "k", ""), once(about("d", absent), "k", ""),
	}
	results := p.log.AppendAll(t.Context(), "topic", entries)
	for i, r := range results {
		conflict := (*eventlog.ConditionError)(nil)
		switch i {
		case 1:
			if !errors.As(r.Err, &conflict) || conflict.Latest != results[0].Receipt.ID {
				t.Errorf("the key again: %+v", r)
			}
		case 4:
			if !errors.As(r.Err, &conflict) || !conflict.Latest.IsZero() {
				t.Errorf("a key that was never there: %+v", r)
			}
		case 6:
			if r.Err != nil || r.Receipt != (eventlog.Receipt{ID: results[5].Receipt.ID, Duplicate: true}) {
				t.Errorf("the idempotency key again: %+v", r)
			}
		default:
			if r.Err != nil || r.Receipt.Duplicate {
				t.Fatalf("entry %d: %+v", i, r)
			}
			p.add("topic", r.Receipt.ID, entries[i])
		}
	}
	p.append(t, "topic", about("a", latestIs(results[3].Receipt.ID)))
	p.check(t)
}

// testConditionsTogether has many count a key up at the same time: of those
// who saw the same event one goes on.
func testConditionsTogether(t *testing.T, o Options) {
	const writers, rounds = 16, 20
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	latest := p.append(t, "topic", about("a", absent))
	for range rounds {
		var wg sync.WaitGroup
		var won []eventlog.ID
		for range writers {
			wg.Go(func() {
				e := about("a", latestIs(latest))
				r, err := p.log.Append(context.Background(), "topic", e)
				if c := (*eventlog.ConditionError)(nil); errors.As(err, &c) {
					return
				}
				if err != nil {
					t.Errorf("append: %v", err)
				}
				p.add("topic", r.ID, e)
				p.mu.Lock()
				won = append(won, r.ID)
				p.mu.Unlock()
			})
		}
		wg.Wait()
		if len(won) != 1 {
			t.Fatalf("%d of %d writers replaced %v", len(won), writers, latest)
		}
		latest = won[0]
	}
	p.check(t)
}

// testConditionsFailed has the store fail: nothing is known of what it did not
// commit.
func testConditionsFailed(t *testing.T, o Options) {
	f := NewFaulty(o.Open(t, Config{Dir: t.TempDir()}))
	p := publishTo(openStore(t, f))
	broken := errors.New("broken")
	f.Set(Only(Append, FailNth(1, broken)))
	e := once(about("a", absent), "k", "")
	if _, err := p.log.Append(t.Context(), "topic", e); !errors.Is(err, broken) {
		t.Errorf("append: %v, want %v", err, broken)
	}
	first := p.append(t, "topic", e)
	hang, release := Hang()
	f.Set(Only(Append, hang))
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, err := p.log.Append(ctx, "topic", about("a", latestIs(first))); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("append to a store that hangs: %v", err)
	}
	release()
	f.Set(nil)
	p.append(t, "topic", about("a", latestIs(first)))
	p.check(t)
}

// testConditionsRetained has retention take a key's latest event.
func testConditionsRetained(t *testing.T, o Options) {
	c := Config{Dir: t.TempDir(), Retention: eventlog.Retention{Events: 10}}
	p := publishTo(o.open(t, c, eventlog.Options{}))
	for i := range 30 {
		p.append(t, "topic", about(fmt.Sprint(i%25), eventlog.Condition{}))
	}
	eventually(t, "20 of 30 events are gone", func() bool { return p.state("topic").Trimmed == p.at("topic", 19) })
	if o.Durable {
		shut(t, p.log)
		p.log = o.open(t, c, eventlog.Options{})
	}
	for key, latest := range map[string]int{"3": 28, "4": 29, "20": 20, "24": 24} {
		p.conflicts(t, "topic", about(key, absent), p.at("topic", latest))
	}
	for _, key := range []string{"5", "19"} {
		p.conflicts(t, "topic", about(key, latestIs(p.at("topic", 5))), eventlog.ID{})
		p.append(t, "topic", about(key, absent))
	}
	p.check(t)
}

func testConditionsReopened(t *testing.T, o Options) {
	c := Config{Dir: t.TempDir()}
	p := publishTo(nil)
	latest := map[string]eventlog.ID{}
	for round := range 4 {
		p.log = o.open(t, c, eventlog.Options{})
		for i := range 40 {
			key := fmt.Sprint(i % (5 + round))
			condition := absent
			if id := latest[key]; !id.IsZero() {
				p.conflicts(t, "topic", about(key, absent), id)
				condition = latestIs(id)
			}
			latest[key] = p.append(t, "topic", about(key, condition))
		}
		p.check(t)
		shut(t, p.log)
	}
}

// testEnded has a topic end: nothing follows, whatever is asked, and what was
// remembered before is.
func testEnded(t *testing.T, o Options) {
	c := Config{Dir: t.TempDir()}
	p := publishTo(o.open(t, c, eventlog.Options{}))
	end := entry(0, "done")
	end.Kind = eventlog.KindEnd
	first := p.append(t, "topic", once(about("a", absent), "k", ""))
	p.append(t, "other", entry(0, "goes on"))
	results := p.log.AppendAll(t.Context(), "topic", []eventlog.Entry{entry(0, "the last"), end, entry(0, "too late"), end})
	for i, r := range results {
		if want := i < 2; (r.Err == nil) != want || !want && !errors.Is(r.Err, eventlog.ErrTopicEnded) {
			t.Errorf("entry %d: %+v", i, r)
		}
	}
	p.add("topic", results[0].Receipt.ID, entry(0, "the last"))
	p.add("topic", results[1].Receipt.ID, end)
	for range 2 {
		if s := p.state("topic"); s.Ended != results[1].Receipt.ID || s.Last != s.Ended {
			t.Errorf("the state of a topic that has ended is %+v", s)
		}
		for _, e := range []eventlog.Entry{entry(0, "after"), about("a", absent), once(entry(0, "after"), "l", ""), end} {
			if r, err := p.log.Append(t.Context(), "topic", e); !errors.Is(err, eventlog.ErrTopicEnded) || r != (eventlog.Receipt{}) {
				t.Errorf("append after the end: %+v, %v", r, err)
			}
		}
		p.repeat(t, "topic", "k", first)
		p.reuse(t, "topic", "k")
		p.append(t, "other", entry(0, "goes on"))
		p.check(t)
		if !o.Durable {
			return
		}
		shut(t, p.log)
		p.log = o.open(t, c, eventlog.Options{})
	}
}
