package eventlog

import (
	"testing"
	"testing/synctest"
	"time"
)

func openMemory(t testing.TB, r Retention, maxTopics int, budget int64) *Log {
	t.Helper()
	l, err := Open(Memory(MemoryOptions{Retention: r, MaxTopics: maxTopics}), Options{MemoryBudget: budget})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func state(l *Log, topic string) State {
	f := l.Follow(topic)
	defer l.Leave(f)
	s, _ := f.State()
	return s
}

// TestMemoryAge watches retention by age second by second.
func TestMemoryAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := openMemory(t, Retention{Age: 10 * time.Second}, 0, 0)
		var ids []ID
		for range 20 {
			ids = append(ids, fill(t, l, "topic", 1, 100)...)
			time.Sleep(time.Second)
		}
		synctest.Wait()
		for range 25 {
			s := state(l, "topic")
			oldest := uint64(time.Now().Add(-10 * time.Second).UnixMilli())
			var want []ID
			for _, id := range ids {
				if id.MS >= oldest {
					want = append(want, id)
				}
			}
			if s.Events != int64(len(want)) || s.Bytes != 100*int64(len(want)) {
				t.Fatalf("%d events in %d bytes, want %d", s.Events, s.Bytes, len(want))
			}
			if len(want) > 0 && s.Oldest != want[0] || len(want) == 0 && (!s.Oldest.IsZero() || s.Trimmed != s.Last) {
				t.Fatalf("the state is %+v, and %v should be there", s, want)
			}
			time.Sleep(time.Second)
			synctest.Wait()
		}
		if n := l.Memory(); n != 0 {
			t.Errorf("%d bytes in the account when everything is gone", n)
		}
	})
}

// TestMemoryBudget has the budget take the oldest of the ephemeral store.
func TestMemoryBudget(t *testing.T) {
	const budget = 64 << 10
	l := openMemory(t, Retention{}, 0, budget)
	ids := fill(t, l, "topic", 500, 1000)
	s := state(l, "topic")
	if l.Memory() > budget || s.Events == 0 || s.Events > 64 || s.Last != ids[499] {
		t.Errorf("%d bytes, the state is %+v", l.Memory(), s)
	}
	if want := ids[500-s.Events]; s.Oldest != want || s.Trimmed != ids[499-s.Events] || s.Bytes != 1000*s.Events {
		t.Errorf("the state is %+v, the oldest should be %v", s, want)
	}
	topic := l.Follow("topic")
	defer l.Leave(topic)
	_, err := l.Fetch(t.Context(), Cursor{topic, ids[5]})
	if gap, ok := err.(*GapError); !ok || gap.Through != s.Trimmed || gap.Cause != Expired {
		t.Errorf("reading what was evicted: %v", err)
	}
	big := fill(t, l, "topic", 1, budget-9<<10) // leaves nothing else, with the pages that it is rounded up to
	if s := state(l, "topic"); s.Events != 1 || s.Oldest != big[0] {
		t.Errorf("after an event of almost the budget the state is %+v", s)
	}
}

// TestMemoryStartsAbove tells readers of an earlier run that it is over.
func TestMemoryStartsAbove(t *testing.T) {
	l := openMemory(t, Retention{}, 0, 0)
	id := fill(t, l, "topic", 1, 10)[0]
	s := state(l, "topic")
	if s.Born.IsZero() || !s.Born.Less(id) {
		t.Errorf("the topic is born above %v, its first event is %v", s.Born, id)
	}
	if at, outcome := s.Resume(idOf(s.Born.MS-1, 0)); outcome != OutcomeGap || at != s.Born {
		t.Errorf("resuming from an earlier run: %v at %v", outcome, at)
	}
	if at, outcome := s.Resume(ID{}); outcome != OutcomeReplay || at != s.Born {
		t.Errorf("from zero: %v at %v", outcome, at)
	}
}
