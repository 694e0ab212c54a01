package logtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// keyOf makes idempotency out of text.
func keyOf(key, fingerprint string) *eventlog.Idempotency {
	i := &eventlog.Idempotency{}
	copy(i.Key[:], key)
	copy(i.Fingerprint[:], fingerprint)
	return i
}

// once is an entry with an idempotency key.
func once(e eventlog.Entry, key, fingerprint string) eventlog.Entry {
	e.Idempotency = keyOf(key, fingerprint)
	return e
}

// keyed publishes one event with a key, which must be new.
func (p *published) keyed(t *testing.T, topic, key string) eventlog.ID {
	t.Helper()
	return p.append(t, topic, once(entry(0, "%s", key), key, ""))
}

// repeat publishes with a key that is remembered, and commits nothing.
func (p *published) repeat(t *testing.T, topic, key string, want eventlog.ID) {
	t.Helper()
	e := once(entry(0, "%s once more", key), key, "")
	r, err := p.log.Append(context.Background(), topic, e)
	if err != nil || r != (eventlog.Receipt{ID: want, Duplicate: true}) {
		t.Errorf("append %s to %s again: %+v, %v, want a duplicate of %v", key, topic, r, err, want)
	}
}

// reuse publishes something else with a key that is remembered.
func (p *published) reuse(t *testing.T, topic, key string) {
	t.Helper()
	e := once(entry(0, "other"), key, "other")
	if r, err := p.log.Append(context.Background(), topic, e); !errors.Is(err, eventlog.ErrKeyReused) || r != (eventlog.Receipt{}) {
		t.Errorf("append something else with %s: %+v, %v, want %v", key, r, err, eventlog.ErrKeyReused)
	}
}

func testDuplicate(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	first := p.keyed(t, "topic", "a")
	p.append(t, "topic", entry(0, "without a key"))
	second := p.keyed(t, "topic", "b")
	for range 3 {
		p.repeat(t, "topic", "a", first)
		p.reuse(t, "topic", "b")
		p.repeat(t, "topic", "b", second)
	}
	other := p.keyed(t, "other", "a") // a key is one of its topic
	p.repeat(t, "other", "a", other)
	p.repeat(t, "topic", "a", first)
	if s := p.log.Keys(); s != (eventlog.KeyStats{Remembered: 3}) {
		t.Errorf("remembered: %+v, want 3 keys", s)
	}
	p.check(t)
}

// testDuplicatesTogether has many publish under each key at the same time: one
// of them commits, and those with the same fingerprint get its id.
func testDuplicatesTogether(t *testing.T, o Options) {
	const publishers, keys = 64, 30
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	var wg sync.WaitGroup
	receipts := [keys][publishers]eventlog.Receipt{}
	for n := range publishers {
		wg.Go(func() {
			for i := range keys {
				e := once(entry(0, "%d by %d", i, n), fmt.Sprint(i), fmt.Sprint(n%8/7))
				r, err := p.log.Append(context.Background(), "topic", e)
				if err != nil && !errors.Is(err, eventlog.ErrKeyReused) {
					t.Errorf("append: %v", err)
				}
				receipts[i][n] = r
			}
		})
	}
	wg.Wait()
	for i := range keys {
		p.events["topic"] = append(p.events["topic"], checkTogether(t, i, receipts[i][:]))
	}
	p.check(t)
}

// checkTogether proves that one append under a key committed, that those with
// its fingerprint are duplicates of it and the others were refused.
func checkTogether(t *testing.T, i int, receipts []eventlog.Receipt) (e Event) {
	t.Helper()
	group := -1
	for n, r := range receipts {
		if r.Duplicate || r.ID.IsZero() {
			continue
		}
		if group >= 0 {
			t.Errorf("key %d was committed at %v and at %v", i, e.ID, r.ID)
		}
		e, group = Event{r.ID, wireOf(entry(0, "%d by %d", i, n))}, n%8/7
	}
	for n, r := range receipts {
		want := eventlog.ID{}
		if n%8/7 == group {
			want = e.ID
		}
		if r.ID != want {
			t.Errorf("key %d: publisher %d was answered %v, want %v", i, n, r.ID, want)
		}
	}
	return e
}

// testDuplicateNoTopic asks for nothing new where nothing may be made.
func testDuplicateNoTopic(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{MaxTopics: 1, Retention: eventlog.Retention{Age: 2 * time.Second}}, eventlog.Options{}))
	gone := p.keyed(t, "gone", "a")
	e := once(entry(0, "b"), "b", "")
	if _, err := p.log.Append(t.Context(), "topic", e); !errors.Is(err, eventlog.ErrTooManyTopics) {
		t.Errorf("one topic too many: %v", err)
	}
	eventually(t, "the topic is empty", func() bool { return p.state("gone").Events == 0 })
	p.keyed(t, "topic", "b") // the refused one is not remembered
	delete(p.events, "gone")
	p.repeat(t, "gone", "a", gone)
	p.reuse(t, "gone", "a")
	if topics := p.log.Topics(); len(topics) != 1 || topics[0].Name != "topic" {
		t.Errorf("the topics are %v", topics)
	}
	p.check(t)
}

// testFailedOnce has the first of two tries fail before it reached the store.
func testFailedOnce(t *testing.T, o Options) {
	f := NewFaulty(o.Open(t, Config{Dir: t.TempDir()}))
	log, err := eventlog.Open(f, eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, log)
	p := publishTo(log)
	broken := errors.New("broken")
	f.Set(Only(Append, FailNth(1, broken)))
	if _, err := log.Append(t.Context(), "topic", once(entry(0, "a"), "a", "")); !errors.Is(err, broken) {
		t.Errorf("append: %v, want %v", err, broken)
	}
	id := p.keyed(t, "topic", "a")
	p.repeat(t, "topic", "a", id)
	if s := log.Keys(); s.Remembered != 1 {
		t.Errorf("through another store the figures are %+v", s)
	}
	p.check(t)
}

// testTriedAgain has publishers lose patience while their event may be under
// way, and try again until they are answered.
func testTriedAgain(t *testing.T, o Options) {
	const publishers, keys = 8, 40
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	var wg sync.WaitGroup
	receipts := [keys][publishers]eventlog.Receipt{}
	for n := range publishers {
		wg.Go(func() {
			for i := range keys {
				e := once(entry(0, "%d", i), fmt.Sprint(i), "")
				receipts[i][n] = p.insist(t, "topic", e)
			}
		})
	}
	wg.Wait()
	for i, answered := range receipts {
		first := 0
		for _, r := range answered {
			if r.ID != answered[0].ID {
				t.Errorf("key %d was committed at %v and at %v", i, answered[0].ID, r.ID)
			}
			if !r.Duplicate {
				first++
			}
		}
		if first > 1 {
			t.Errorf("key %d was committed %d times", i, first)
		}
		p.events["topic"] = append(p.events["topic"], Event{answered[0].ID, wireOf(entry(0, "%d", i))})
	}
	slices.SortFunc(p.events["topic"], func(a, b Event) int { return a.ID.Compare(b.ID) })
	p.check(t)
}

// insist appends with more and more patience.
func (p *published) insist(t *testing.T, topic string, e eventlog.Entry) eventlog.Receipt {
	for patience := time.Duration(0); ; patience = 2*patience + 20*time.Microsecond {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		r, err := p.log.Append(ctx, topic, e)
		cancel()
		if err == nil {
			return r
		}
		if !errors.Is(err, context.DeadlineExceeded) || patience > time.Minute {
			t.Errorf("append: %v", err)
			return r
		}
	}
}

// testDuplicateReopened asks for what earlier runs of the store committed.
func testDuplicateReopened(t *testing.T, o Options) {
	c := Config{Dir: t.TempDir()}
	p := publishTo(nil)
	ids := map[string]eventlog.ID{}
	for round := range 4 {
		p.log = o.open(t, c, eventlog.Options{})
		for key, id := range ids {
			p.repeat(t, "topic", key, id)
			p.reuse(t, "topic", key)
		}
		for i := range 100 {
			key := fmt.Sprintf("%d/%d", round, i)
			ids[key] = p.keyed(t, "topic", key)
		}
		p.check(t)
		if s := p.log.Keys(); s.Remembered != len(ids) {
			t.Errorf("remembered: %+v, want %d", s, len(ids))
		}
		shut(t, p.log)
	}
}
