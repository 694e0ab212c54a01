package pebblelog

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// powerCut is what is on the disk after the power went, and what was answered by
// then.
type powerCut struct {
	fs    *vfs.MemFS
	until int
	op    string
}

var rounds = flag.Int("rounds", 2, "times that the store of the power cuts is opened")

// answered is what publishers were answered, in their order.
type answered struct {
	mu     sync.Mutex
	events []answer
}

type answer struct {
	topic string
	id    eventlog.ID
	entry eventlog.Entry
}

// TestPowerCuts cuts the power at every operation that a workload does on the
// disk, and what was not synced is gone: what was answered by then is there, in
// order, once, with its idempotency key and the conditions that follow from it.
func TestPowerCuts(t *testing.T) {
	cuts, all := workload(t)
	for _, cut := range cuts {
		afterCut(t, cut, all.events[:cut.until])
		if t.Failed() {
			t.Fatalf("the power was cut before %s, when %d events were answered", cut.op, cut.until)
		}
	}
	t.Logf("%d power cuts, %d events", len(cuts), len(all.events))
}

// workload opens a store, publishes with several publishers, closes it and
// does so again.
func workload(t *testing.T) (cuts []powerCut, all *answered) {
	t.Helper()
	all = &answered{}
	disk := vfs.NewCrashableMem()
	var mu sync.Mutex
	fs := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			mu.Lock()
			defer mu.Unlock()
			all.mu.Lock()
			until := len(all.events)
			all.mu.Unlock()
			clone := disk.CrashClone(vfs.CrashCloneCfg{})
			cuts = append(cuts, powerCut{clone, until, fmt.Sprintf("operation %d of %s", op.Kind, op.Path)})
		}
		return nil
	}))
	for round := range *rounds {
		_, log := open(t, "data", Options{fs: fs, Retention: eventlog.Retention{Events: 30}})
		var publishers sync.WaitGroup
		for n := range 4 {
			publishers.Go(func() {
				for i := range 10 {
					all.publish(t, log, fmt.Sprintf("topic-%d", n%3), round, n, i)
				}
			})
		}
		publishers.Wait()
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return cuts, all
}

// publish appends a batch of one to three events, the first with both kinds of
// keys.
func (a *answered) publish(t *testing.T, log *eventlog.Log, topic string, round, n, i int) {
	entries := make([]eventlog.Entry, 1+i%3)
	for k := range entries {
		name := fmt.Sprintf("%d/%d/%d/%d", round, n, i, k)
		entries[k] = eventlog.TextEntry("type", name+strings.Repeat(".", i*40))
		if k == 0 {
			entries[k].Key = name
			entries[k].Idempotency = &eventlog.Idempotency{}
			copy(entries[k].Idempotency.Key[:], name)
		}
	}
	results := log.AppendAll(context.Background(), topic, entries)
	a.mu.Lock()
	defer a.mu.Unlock()
	for k, r := range results {
		if r.Err != nil {
			t.Errorf("append: %v", r.Err)
		}
		a.events = append(a.events, answer{topic, r.Receipt.ID, entries[k]})
	}
}

// afterCut opens what is on the disk.
func afterCut(t *testing.T, cut powerCut, events []answer) {
	t.Helper()
	s, err := Open("data", Options{fs: cut.fs, Memory: leastMemory, OnDamage: sound(t)})
	if err != nil {
		t.Errorf("open: %v", err)
		return
	}
	log, err := eventlog.Open(s, eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range events {
		checkAnswered(t, log, s, a)
	}
	if r, err := log.Append(context.Background(), "topic-0", eventlog.TextEntry("", "after")); err != nil || len(events) > 0 && !events[len(events)-1].id.Less(r.ID) {
		t.Errorf("append afterwards: %+v, %v", r, err)
	}
	if err := log.Close(); err != nil {
		t.Error(err)
	}
}

func checkAnswered(t *testing.T, log *eventlog.Log, s *Store, a answer) {
	t.Helper()
	state, _ := log.State(a.topic)
	kept := state.Trimmed.Less(a.id)
	if kept {
		found := false
		err := s.Read(context.Background(), a.topic, higher(state.Trimmed, eventlog.ID{MS: a.id.MS - 1, Seq: a.id.Seq}), a.id, func(e eventlog.Event) bool {
			found = e.ID == a.id && string(e.Data) == string(a.entry.Data) && e.Key == a.entry.Key && e.Type == "type"
			return true
		})
		if err != nil || !found {
			t.Errorf("%s: %v was answered and is not there: %v", a.topic, a.id, err)
		}
	}
	if a.entry.Key == "" {
		return
	}
	if r, err := log.Append(context.Background(), a.topic, a.entry); err != nil || r != (eventlog.Receipt{ID: a.id, Duplicate: true}) {
		t.Errorf("%s: %v is tried again: %+v, %v", a.topic, a.id, r, err)
	}
	e := a.entry
	e.Idempotency, e.Condition = nil, eventlog.Condition{At: eventlog.ID{MS: 1}}
	_, err := log.Append(context.Background(), a.topic, e)
	if c := (*eventlog.ConditionError)(nil); !errors.As(err, &c) || kept && c.Latest != a.id {
		t.Errorf("%s: the latest of the key of %v: %v", a.topic, a.id, err)
	}
}
