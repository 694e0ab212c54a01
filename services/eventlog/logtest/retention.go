package logtest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

func testRetainEvents(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{Retention: eventlog.Retention{Events: 10}}, eventlog.Options{}))
	p.many(t, "much", 25, 100)
	p.many(t, "little", 5, 100)
	eventually(t, "15 of 25 events are gone", func() bool { return p.state("much").Trimmed == p.at("much", 14) })
	checkTrimmed(t, p, "much", 15)
	checkTrimmed(t, p, "little", 0)
}

func testRetainBytes(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{Retention: eventlog.Retention{Bytes: 10_000}}, eventlog.Options{}))
	p.many(t, "much", 25, 998) // and a blank line
	p.many(t, "little", 5, 998)
	eventually(t, "15 of 25 events are gone", func() bool { return p.state("much").Trimmed == p.at("much", 14) })
	checkTrimmed(t, p, "much", 15)
	checkTrimmed(t, p, "little", 0)
	p.append(t, "large", entry(20_000, "larger than the limit"))
	eventually(t, "it is gone", func() bool { return p.state("large").Events == 0 })
	p.check(t)
}

func testRetainAge(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{Retention: eventlog.Retention{Age: 3 * time.Second}}, eventlog.Options{}))
	p.many(t, "topic", 10, 100)
	time.Sleep(2 * time.Second)
	p.many(t, "topic", 10, 100)
	eventually(t, "the old ones are gone", func() bool { return p.state("topic").Trimmed == p.at("topic", 9) })
	checkTrimmed(t, p, "topic", 10)
}

// testRetainAll has a topic lose everything and go on.
func testRetainAll(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{Retention: eventlog.Retention{Age: 2 * time.Second}}, eventlog.Options{}))
	p.many(t, "topic", 50, 1000)
	eventually(t, "everything is gone", func() bool { return p.state("topic").Events == 0 })
	last := p.at("topic", -1)
	s := p.state("topic")
	if s.Last != last || s.Trimmed != last || !s.Oldest.IsZero() || s.Bytes != 0 {
		t.Errorf("the state of an empty topic is %+v", s)
	}
	if at, outcome := s.Resume(last); at != last || outcome != eventlog.OutcomeLive {
		t.Errorf("resume at the head: %v at %v", outcome, at)
	}
	if at, outcome := s.Resume(p.at("topic", 3)); at != last || outcome != eventlog.OutcomeGap {
		t.Errorf("resume in what is gone: %v at %v", outcome, at)
	}
	p.append(t, "topic", entry(0, "again"))
	checkTrimmed(t, p, "topic", 50)
}

// testRetainTotal has the oldest events go, whichever topics they are in.
func testRetainTotal(t *testing.T, o Options) {
	const limit = 40_000
	p := publishTo(o.open(t, Config{Retention: eventlog.Retention{TotalBytes: limit}}, eventlog.Options{}))
	for i := range 100 {
		p.append(t, fmt.Sprintf("topic-%d", i%7), entry(998, "%d", i))
		if i%10 == 0 {
			p.append(t, "rare", entry(998, "%d", i))
		}
	}
	total := func() (n int64) {
		for _, info := range p.log.Topics() {
			n += info.State.Bytes
		}
		return n
	}
	eventually(t, "all topics together are within the limit", func() bool { return total() <= limit })
	if total() <= limit-1000 {
		t.Errorf("%d bytes are left of %d", total(), limit)
	}
	var highest eventlog.ID
	for _, info := range p.log.Topics() {
		if highest.Less(info.State.Trimmed) {
			highest = info.State.Trimmed
		}
	}
	for _, info := range p.log.Topics() {
		if info.State.Events > 0 && !highest.Less(info.State.Oldest) {
			t.Errorf("%v in %s is there, and %v is gone", info.State.Oldest, info.Name, highest)
		}
	}
	p.check(t)
}

func testRetainAtOpen(t *testing.T, o Options) {
	c := Config{Dir: t.TempDir()}
	p := publishTo(o.open(t, c, eventlog.Options{}))
	const events = 5000
	p.burst(t, "topic", events)
	shut(t, p.log)
	c.Retention.Events = 7
	p.log = o.open(t, c, eventlog.Options{})
	eventually(t, "all but 7 events are gone", func() bool { return p.state("topic").Events == 7 })
	checkTrimmed(t, p, "topic", events-7)
	shut(t, p.log)
	p.log = o.open(t, c, eventlog.Options{})
	eventually(t, "all but 7 events are gone again", func() bool { return p.state("topic").Events == 7 })
	checkTrimmed(t, p, "topic", events-6)
}

// testRetainUnderLoad has a reader follow a topic that is trimmed all the
// time: each event comes once or is in a gap.
func testRetainUnderLoad(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{Retention: eventlog.Retention{Events: 50}}, eventlog.Options{MemoryBudget: 32 << 10}))
	const events = 1000
	r := NewReader(p.log, "topic", eventlog.ID{})
	defer r.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := range events {
			p.append(t, "topic", entry(200, "%d", i))
			time.Sleep(4 * time.Millisecond)
		}
	})
	wg.Go(func() {
		for r.cursor.At.Less(p.state("topic").Last) || p.state("topic").Last.IsZero() || len(p.snapshot("topic")) < events {
			if err := r.CatchUp(t.Context()); err != nil {
				t.Errorf("read along: %v", err)
				return
			}
			time.Sleep(time.Second / 3)
		}
	})
	wg.Wait()
	got := 0
	for _, e := range p.events["topic"] {
		switch {
		case got < len(r.Events) && r.Events[got].ID == e.ID:
			got++
		case !inGap(r.Gaps, e.ID):
			t.Fatalf("%v neither came nor is in a gap of %v", e.ID, r.Gaps)
		}
	}
	if got != len(r.Events) {
		t.Errorf("%d events came that nobody published, or twice", len(r.Events)-got)
	}
	p.check(t)
}

func inGap(gaps []*eventlog.GapError, id eventlog.ID) bool {
	for _, g := range gaps {
		if g.After.Less(id) && !g.Through.Less(id) {
			return true
		}
	}
	return false
}

// checkTrimmed proves that the first n events of a topic are gone, that
// readers from there are told so once, and go on with nothing lost.
func checkTrimmed(t *testing.T, p *published, topic string, n int) {
	t.Helper()
	after := eventlog.ID{}
	if n > 2 {
		after = p.at(topic, 1)
	}
	r := NewReader(p.log, topic, after)
	defer r.Close()
	if err := r.CatchUp(t.Context()); err != nil {
		t.Errorf("%s: read: %v", topic, err)
	}
	compare(t, topic, r.Events, p.events[topic][n:])
	switch {
	case n == 0 && len(r.Gaps) > 0:
		t.Errorf("%s: %v", topic, r.Gaps[0])
	case n > 0 && len(r.Gaps) != 1:
		t.Errorf("%s: gaps %v, want one", topic, r.Gaps)
	case n > 0:
		want := eventlog.GapError{Topic: topic, After: after, Through: p.at(topic, n-1), Cause: eventlog.Expired}
		if *r.Gaps[0] != want {
			t.Errorf("%s: %v, want %v", topic, r.Gaps[0], &want)
		}
	}
	id := p.append(t, topic, entry(0, "one more"))
	if err := r.Follow(t.Context(), len(r.Events)+1); err != nil || r.cursor.At != id {
		t.Errorf("%s: after the gap: %v at %v, want %v", topic, err, r.cursor.At, id)
	}
	p.check(t)
}
