package boltlog

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
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
		*s = append(*s, fmt.Sprintf("%s has %s", topic, e.Body))
	}
}

func (s *told) Trimmed(topic string, st eventlog.State) {
	*s = append(*s, fmt.Sprintf("%s has %d events after being trimmed", topic, st.Events))
}

func (s *told) Forgotten(topic string) { *s = append(*s, topic+" is forgotten") }

// committer returns a store that works in the test's goroutine.
func committer(t *testing.T, o Options) (*Store, *told) {
	t.Helper()
	s, err := Open(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.sink = nil
		s.Close()
	})
	sink := &told{}
	s.sink = sink
	return s, sink
}

func requests(entries ...string) (all []*request) {
	for _, e := range entries {
		topic, body, _ := strings.Cut(e, " ")
		all = append(all, newRequest(topic, eventlog.Entry{Body: []byte(body)}))
	}
	return all
}

// pretend has a commit fail that gets to the file: it does what apply does,
// but for telling.
func pretend(t *testing.T, s *Store, rs []*request) {
	t.Helper()
	b := s.plan(rs)
	for _, c := range b.changes {
		if c.before == nil {
			c.born(b.floor)
		}
	}
	if err := errors.Join(s.guard(b), s.write(b)); err != nil {
		t.Fatal(err)
	}
	s.stale = true
}

// TestFailedButWritten has commits fail that got to the file nevertheless:
// everybody is told before anything else happens.
func TestFailedButWritten(t *testing.T) {
	s, sink := committer(t, Options{MaxTopics: 3, Retention: eventlog.Retention{Events: 2}})
	s.commit(requests("a 1", "a 2", "b 1", "c 1"))
	*sink = nil
	pretend(t, s, requests("a 3", "b 2", "a 4"))
	if len(*sink) > 0 {
		t.Fatalf("told too early: %v", *sink)
	}
	s.commit(requests("c 2"))
	if want := (told{"a has 3", "a has 4", "b has 2", "c has 2"}); !sameBeforeLast(*sink, want) {
		t.Errorf("told %v, want %v", *sink, want)
	}
	if got := s.topics["a"].State; got.Events != 4 || got.Last.IsZero() {
		t.Errorf("the state of a is %+v", got)
	}
	*sink = nil
	s.retain() // leaves two of a
	if want := (told{"a has 2 events after being trimmed"}); !reflect.DeepEqual(*sink, want) {
		t.Errorf("told %v, want %v", *sink, want)
	}
}

// sameBeforeLast compares but for the order of what comes before the last.
func sameBeforeLast(got, want told) bool {
	if len(got) != len(want) || got[len(got)-1] != want[len(want)-1] {
		return false
	}
	seen := map[string]int{}
	for i := range got {
		seen[got[i]]++
		seen[want[i]]--
	}
	for _, n := range seen {
		if n != 0 {
			return false
		}
	}
	return true
}

// TestBatchOfNewTopics has one batch forget topics, bring new ones and bring
// a forgotten one back.
func TestBatchOfNewTopics(t *testing.T) {
	now := time.UnixMilli(1000)
	s, sink := committer(t, Options{MaxTopics: 3, Now: func() time.Time { return now }, Retention: eventlog.Retention{Age: time.Second}})
	s.commit(requests("a 1", "b 1", "c 1"))
	now = now.Add(time.Minute)
	s.retain()
	s.commit(requests("c 2"))
	*sink = nil
	rs := requests("d 1", "a 2", "c 3", "e 1", "d 2")
	s.commit(rs)
	want := told{
		"a is forgotten", "b is forgotten",
		"d has 0 events after being trimmed", "d has 1", "d has 2",
		"a has 0 events after being trimmed", "a has 2",
		"c has 3",
	}
	if !reflect.DeepEqual(*sink, want) {
		t.Errorf("told %q, want %q", *sink, want)
	}
	if err := <-rs[3].answer; !errors.Is(err, eventlog.ErrTooManyTopics) {
		t.Errorf("one too many: %v", err)
	}
	all, err := s.survey()
	if err != nil || len(all.states) != 3 {
		t.Fatalf("in the file are %v, %v", all.states, err)
	}
	for name, state := range all.states {
		if state != s.topics[name].State {
			t.Errorf("%s is %+v in the file and %+v in memory", name, state, s.topics[name].State)
		}
	}
	if born := s.topics["d"].Born; born != s.floor || born.IsZero() {
		t.Errorf("d is born above %v, the floor is %v", born, s.floor)
	}
}

// TestGroupCommit has many publishers share few commits.
func TestGroupCommit(t *testing.T) {
	s, log := open(t, t.TempDir(), Options{})
	defer log.Close()
	before := txs(s)
	var wg sync.WaitGroup
	const publishers, each = 100, 10
	for range publishers {
		wg.Go(func() {
			for range each {
				if _, err := log.Append(context.Background(), "topic", eventlog.Entry{Body: []byte("\n")}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := txs(s) - before; n > publishers*each/5 {
		t.Errorf("%d commits for %d events", n, publishers*each)
	}
}

func txs(s *Store) (id int) {
	tx, err := s.begin()
	if err != nil {
		return 0
	}
	defer tx.Rollback()
	return tx.ID()
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
		body := []byte("not started yet, so nobody commits")
		if _, err := s.Append(ctx, "topic", eventlog.Entry{Body: body}); err != context.Cause(ctx) {
			t.Errorf("append: %v", err)
		}
		clear(body) // it is the caller's again
		log, err := eventlog.Open(s, eventlog.Options{})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		err = s.Read(t.Context(), "topic", eventlog.ID{}, wire.MaxID, func(e eventlog.Event) bool {
			if string(e.Body) != "not started yet, so nobody commits" {
				t.Errorf("read %q", e.Body)
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
