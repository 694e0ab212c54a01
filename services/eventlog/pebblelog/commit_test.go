package pebblelog

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// told is a sink that writes down what it is told.
type told []string

func (s *told) Committed(topic string, events []eventlog.Event) {
	for _, e := range events {
		*s = append(*s, fmt.Sprintf("%s has %s", topic, e.Data))
	}
}

func (s *told) Trimmed(topic string, st eventlog.State) {
	*s = append(*s, fmt.Sprintf("%s has %d events after being trimmed", topic, st.Events))
}

func (s *told) Forgotten(topic string) { *s = append(*s, topic+" is forgotten") }

// committer returns a store that decides in the test's goroutine.
func committer(t *testing.T, o Options) (*Store, *told) {
	t.Helper()
	o.Memory, o.OnDamage = leastMemory, sound(t)
	s, err := Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	sink := &told{}
	s.sink = sink
	go s.confirm()
	close(s.committed)
	close(s.retained)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, sink
}

// requests are appends, and their answers when they are committed.
func requests(entries ...string) (all []*request) {
	for _, e := range entries {
		topic, data, _ := strings.Cut(e, " ")
		all = append(all, newRequest(topic, []eventlog.Entry{eventlog.TextEntry("", data)}))
	}
	return all
}

func (s *Store) commitNow(rs []*request) {
	s.commit(rs)
	for _, r := range rs {
		<-r.answer
	}
}

// TestGroupOfNewTopics has one group forget topics, bring new ones and bring a
// forgotten one back.
func TestGroupOfNewTopics(t *testing.T) {
	now := time.UnixMilli(1000)
	s, sink := committer(t, Options{MaxTopics: 3, Now: func() time.Time { return now }, Retention: eventlog.Retention{Age: time.Second}})
	s.commitNow(requests("a 1", "b 1", "c 1"))
	now = now.Add(time.Minute)
	r := &retention{store: s, Retention: s.options.Retention, last: map[string]time.Time{}}
	r.Events, r.Bytes, r.TotalBytes = 1<<60, 1<<60, 1<<60
	cuts, _, err := r.own()
	if err != nil || len(cuts) != 3 {
		t.Fatal(cuts, err)
	}
	step := &step{cuts: cuts, done: make(chan struct{})}
	s.take(step)
	<-step.done
	s.commitNow(requests("c 2"))
	*sink = nil
	rs := requests("d 1", "a 2", "c 3", "e 1", "d 2")
	s.commitNow(rs)
	want := told{
		"a is forgotten", "b is forgotten",
		"d has 0 events after being trimmed", "d has 1", "d has 2",
		"a has 0 events after being trimmed", "a has 2",
		"c has 3",
	}
	if !reflect.DeepEqual(*sink, want) {
		t.Errorf("told %q, want %q", *sink, want)
	}
	if err := rs[3].results[0].Err; !errors.Is(err, eventlog.ErrTooManyTopics) {
		t.Errorf("one too many: %v", err)
	}
	if a, d := s.topics["a"].Born, s.topics["d"].Born; a != s.floor || d.IsZero() || a.Less(d) {
		t.Errorf("a is born above %v, d above %v, the floor is %v", a, d, s.floor)
	}
	if n := len(s.topics); n != 3 {
		t.Errorf("%d topics are known", n)
	}
}

// TestAppendLeaves has a publisher leave while its event waits for the disk.
func TestAppendLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(t.TempDir(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("out of patience"))
		defer cancel()
		e := eventlog.TextEntry("", "not started yet, so nobody commits")
		if r := s.Append(ctx, "topic", []eventlog.Entry{e}); r[0].Err != context.Cause(ctx) {
			t.Errorf("append: %v", r)
		}
		clear(e.Data) // it is the caller's again
		log, err := eventlog.Open(s, eventlog.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.Append(t.Context(), "other", eventlog.Entry{}); err != nil {
			t.Error(err)
		}
		err = s.Read(t.Context(), "topic", eventlog.ID{}, wire.MaxID, func(e eventlog.Event) bool {
			if string(e.Data) != "not started yet, so nobody commits" {
				t.Errorf("read %q", e.Data)
			}
			return true
		})
		if err != nil {
			t.Error(err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
}
