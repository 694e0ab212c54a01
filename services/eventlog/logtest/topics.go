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

func testManyTopics(t *testing.T, o Options) {
	topics := 10_000
	if testing.Short() {
		topics = 1_000
	}
	p := publishTo(o.open(t, Config{}, eventlog.Options{MemoryBudget: 64 << 20}))
	const publishers = 100
	var wg sync.WaitGroup
	for n := range publishers {
		wg.Go(func() {
			for i := n; i < topics; i += publishers {
				p.append(t, fmt.Sprintf("topic-%d", i), entry(0, "%d", i))
			}
		})
	}
	wg.Wait()
	if n := len(p.log.Topics()); n != topics {
		t.Errorf("%d topics, want %d", n, topics)
	}
	p.check(t)
}

// testTooManyTopics has more topics wanted at once than may be.
func testTooManyTopics(t *testing.T, o Options) {
	const limit, wanted = 5, 40
	p := publishTo(o.open(t, Config{MaxTopics: limit}, eventlog.Options{}))
	var wg sync.WaitGroup
	for i := range wanted {
		wg.Go(func() {
			topic := fmt.Sprintf("topic-%d", i)
			e := entry(0, "%d", i)
			receipt, err := p.log.Append(context.Background(), topic, e)
			switch {
			case err == nil:
				p.add(topic, receipt.ID, e)
			case !errors.Is(err, eventlog.ErrTooManyTopics):
				t.Errorf("append: %v, want %v", err, eventlog.ErrTooManyTopics)
			}
		})
	}
	wg.Wait()
	if n := len(p.log.Topics()); n != limit || len(p.events) != limit {
		t.Errorf("%d topics exist, %d were appended to, want %d", n, len(p.events), limit)
	}
	for topic := range p.events { // those that exist go on
		p.append(t, topic, entry(0, "more"))
	}
	p.check(t)
}

// testForgetting has empty topics give way to new ones.
func testForgetting(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{MaxTopics: 2, Retention: eventlog.Retention{Age: 2 * time.Second}}, eventlog.Options{}))
	p.many(t, "first", 3, 0)
	p.many(t, "second", 3, 0)
	follower := NewReader(p.log, "first", p.at("first", 0))
	defer follower.Close()
	eventually(t, "both topics are empty", func() bool {
		return p.state("first").Events == 0 && p.state("second").Events == 0
	})
	old := p.at("first", -1)
	p.append(t, "third", entry(0, "in the place of the one idle longest"))
	delete(p.events, "first")
	if _, err := p.log.Append(t.Context(), "third", entry(0, "third")); err != nil {
		t.Errorf("append to a topic that exists: %v", err)
	}
	for _, info := range p.log.Topics() {
		if info.Name == "first" {
			t.Error("the topic that was idle longest is still there")
		}
	}
	p.events = map[string][]Event{"second": p.events["second"]}
	id := p.append(t, "first", entry(0, "a new life, in the place of second"))
	if born := p.state("first").Born; born.Less(old) || !old.Less(id) {
		t.Errorf("first ended with %v and is born again above %v with %v", old, born, id)
	}
	if err := follower.CatchUp(t.Context()); err != nil || len(follower.Gaps) != 1 || len(follower.Events) != 1 {
		t.Errorf("who followed all the time: %v, gaps %v, %d events", err, follower.Gaps, len(follower.Events))
	}
	if at, outcome := p.state("first").Resume(p.state("first").Born); outcome != eventlog.OutcomeReplay {
		t.Errorf("from the beginning: %v at %v", outcome, at)
	}
}
