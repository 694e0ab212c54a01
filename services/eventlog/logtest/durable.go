package logtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

func testReopen(t *testing.T, o Options) {
	c := Config{Dir: t.TempDir()}
	p := publishTo(nil)
	for round := range 4 {
		p.log = o.open(t, c, eventlog.Options{})
		p.check(t)
		for i := range 30 {
			p.append(t, fmt.Sprintf("topic-%d", i%(3+round)), entry(i*40, "%d/%d", round, i))
		}
		p.check(t)
		before := cold(p.log.Topics())
		shut(t, p.log)
		p.log = o.open(t, c, eventlog.Options{})
		if after := cold(p.log.Topics()); !reflect.DeepEqual(before, after) {
			t.Errorf("the topics were %v and are %v", before, after)
		}
		p.check(t)
		shut(t, p.log)
	}
}

// cold leaves out what is in memory.
func cold(infos []eventlog.Info) []eventlog.Info {
	for i := range infos {
		infos[i].HotBytes, infos[i].Hot = 0, 0
	}
	return infos
}

// testClockSteps sets the clock back and forth, within a run and between.
func testClockSteps(t *testing.T, o Options) {
	var mu sync.Mutex
	now := time.UnixMilli(1_763_820_000_000)
	step := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	c := Config{Dir: t.TempDir(), Now: func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return now
	}}
	p := publishTo(nil)
	var last eventlog.ID
	for i, d := range []time.Duration{0, -time.Hour, 2 * time.Hour, -48 * time.Hour, time.Millisecond, 72 * time.Hour} {
		p.log = o.open(t, c, eventlog.Options{})
		for range 5 {
			id := p.append(t, fmt.Sprintf("topic-%d", i%2), entry(0, "%d", i))
			if !last.Less(id) {
				t.Fatalf("step %v: %v was given after %v", d, id, last)
			}
			last = id
			step(d / 5)
		}
		p.check(t)
		shut(t, p.log)
		step(d)
	}
}

// recorder is a sink that proves what a store must do with it.
type recorder struct {
	t     *testing.T
	store eventlog.Store

	mu   sync.Mutex
	last map[string]eventlog.ID
}

func (r *recorder) Committed(topic string, events []eventlog.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		if !r.last[topic].Less(e.ID) {
			r.t.Errorf("%v was reported after %v", e.ID, r.last[topic])
		}
		r.last[topic] = e.ID
		read := false
		before := eventlog.ID{MS: e.ID.MS - 1}
		if e.ID.Seq > 0 {
			before = eventlog.ID{MS: e.ID.MS, Seq: e.ID.Seq - 1}
		}
		err := r.store.Read(context.Background(), topic, before, e.ID, func(got eventlog.Event) bool {
			read = got.ID == e.ID
			return true
		})
		if err != nil || !read {
			r.t.Errorf("%v was reported before it could be read: %v", e.ID, err)
		}
	}
}

func (r *recorder) Trimmed(string, eventlog.State) {}
func (r *recorder) Forgotten(string)               {}

// testReadPages holds the store itself to its contract.
func testReadPages(t *testing.T, o Options) {
	s := o.Open(t, Config{Dir: t.TempDir()})
	defer s.Close()
	r := &recorder{t: t, store: s, last: map[string]eventlog.ID{}}
	if _, err := s.Start(r); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	var ids []eventlog.ID
	for i := range 100 {
		result := s.Append(ctx, "pages", []eventlog.Entry{entry(i, "%d", i)})[0]
		id := result.Receipt.ID
		if result.Err != nil || r.last["pages"] != id {
			t.Fatalf("append returned %+v, and reported was %v", result, r.last["pages"])
		}
		ids = append(ids, id)
	}
	read := func(after, until eventlog.ID, limit int) (n int) {
		t.Helper()
		err := s.Read(ctx, "pages", after, until, func(e eventlog.Event) bool {
			if !after.Less(e.ID) || until.Less(e.ID) {
				t.Errorf("read %v after %v until %v", e.ID, after, until)
			}
			n++
			return n < limit
		})
		if err != nil {
			t.Errorf("read after %v until %v: %v", after, until, err)
		}
		return n
	}
	for _, c := range []struct {
		after, until eventlog.ID
		limit, want  int
	}{
		{eventlog.ID{}, ids[99], 1000, 100},
		{eventlog.ID{}, wire.MaxID, 1000, 100},
		{eventlog.ID{}, ids[99], 1, 1},
		{ids[9], ids[19], 1000, 10},
		{ids[9], ids[19], 3, 3},
		{ids[98], ids[99], 1000, 1},
		{ids[99], ids[99], 1000, 0},
		{ids[99], wire.MaxID, 1000, 0},
	} {
		if n := read(c.after, c.until, c.limit); n != c.want {
			t.Errorf("%d events after %v until %v, want %d", n, c.after, c.until, c.want)
		}
	}
	ended, cancel := context.WithCancelCause(ctx)
	cancel(errors.New("gone"))
	if err := s.Read(ended, "pages", eventlog.ID{}, ids[9], nil); err != context.Cause(ended) {
		t.Errorf("read with an ended context: %v", err)
	}
}
