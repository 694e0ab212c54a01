package logtest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// testFarBehind has readers read through a log whose tail is much smaller, at
// different places and while it grows.
func testFarBehind(t *testing.T, o Options) {
	const budget = 64 << 10
	p := publishTo(o.open(t, Config{}, eventlog.Options{MemoryBudget: budget}))
	const events = 1500
	var wg sync.WaitGroup
	wg.Go(func() { p.many(t, "deep", events, 500) })
	for range 3 {
		r := NewReader(p.log, "deep", eventlog.ID{})
		wg.Go(func() {
			defer r.Close()
			if err := r.Follow(t.Context(), events); err != nil || len(r.Gaps) > 0 {
				t.Errorf("read along: %v, gaps %v", err, r.Gaps)
			}
		})
	}
	wg.Wait()
	for n := range 4 {
		r := NewReader(p.log, "deep", p.at("deep", n*events/4))
		wg.Go(func() {
			defer r.Close()
			if err := r.CatchUp(t.Context()); err != nil || len(r.Gaps) > 0 {
				t.Errorf("read back: %v, gaps %v", err, r.Gaps)
			}
			compare(t, "deep", r.Events, p.events["deep"][n*events/4+1:])
		})
	}
	wg.Wait()
	p.check(t)
	if used := p.log.Memory(); used > budget {
		t.Errorf("%d bytes in the account of a budget of %d", used, budget)
	}
}

// testBetweenEvents begins to read at positions that no event has.
func testBetweenEvents(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{}, eventlog.Options{MemoryBudget: 1 << 20}))
	p.many(t, "topic", 400, 1000)
	for i := range 5 { // so that the topic gives way
		p.append(t, fmt.Sprintf("filler-%d", i), entry(250<<10, "filler"))
	}
	for i := 0; i < 300; i += 50 {
		between := p.at("topic", i)
		between.Seq++
		if !between.Less(p.at("topic", i+1)) {
			continue // there is no room
		}
		// The second meets the page that the first has left behind.
		for _, at := range []eventlog.ID{between, p.at("topic", i), between} {
			r := NewReader(p.log, "topic", at)
			if err := r.CatchUp(context.Background()); err != nil || len(r.Gaps) > 0 {
				t.Errorf("from %v: %v, gaps %v", at, err, r.Gaps)
			}
			compare(t, "topic", r.Events, p.events["topic"][i+1:])
			r.Close()
		}
	}
	p.check(t)
}

// testIdleGiveWay has more in its topics than fits in memory.
func testIdleGiveWay(t *testing.T, o Options) {
	const budget = 256 << 10
	p := publishTo(o.open(t, Config{}, eventlog.Options{MemoryBudget: budget}))
	const topics = 30
	for i := range topics {
		p.many(t, fmt.Sprintf("topic-%02d", i), 20, 1000)
	}
	hot := map[string]bool{}
	for _, info := range p.log.Topics() {
		hot[info.Name] = info.HotBytes > 0
	}
	if hot["topic-00"] || !hot[fmt.Sprintf("topic-%02d", topics-1)] {
		t.Errorf("not those that were idle longest gave way: %v", hot)
	}
	if used := p.log.Memory(); used > budget {
		t.Errorf("%d bytes in the account of a budget of %d", used, budget)
	}
	p.check(t) // reads all of them, one after the other
	if used := p.log.Memory(); used > budget {
		t.Errorf("%d bytes in the account of a budget of %d after reading", used, budget)
	}
}
