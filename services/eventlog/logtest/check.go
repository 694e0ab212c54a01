package logtest

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Event is an event as readers see it.
type Event struct {
	ID   eventlog.ID
	Body []byte // as eventlog.Record.AppendBody makes it
}

// CheckLog proves that the topics of a log hold exactly the events that are
// wanted of them and are not trimmed: in order, none twice, none missing, as
// they were published; and that no id was given twice in all the log.
func CheckLog(t *testing.T, log *eventlog.Log, want map[string][]Event) {
	t.Helper()
	given := map[eventlog.ID]string{}
	for _, topic := range slices.Sorted(maps.Keys(want)) {
		for _, e := range want[topic] {
			if other, twice := given[e.ID]; twice {
				t.Errorf("id %v was given in %s and in %s", e.ID, other, topic)
			}
			given[e.ID] = topic
		}
		checkTopic(t, log, topic, want[topic])
	}
	for _, info := range log.Topics() {
		if _, ok := want[info.Name]; !ok && info.State.Events > 0 {
			t.Errorf("topic %s has %d events, and nobody published any", info.Name, info.State.Events)
		}
	}
}

func checkTopic(t *testing.T, log *eventlog.Log, topic string, want []Event) {
	t.Helper()
	followed := log.Follow(topic)
	defer log.Leave(followed)
	state, _ := followed.State()
	r := NewReader(log, topic, state.Trimmed)
	defer r.Close()
	if err := r.CatchUp(context.Background()); err != nil {
		t.Errorf("topic %s: read: %v", topic, err)
		return
	}
	for _, gap := range r.Gaps {
		// Retention may take more while this reads.
		if now, _ := followed.State(); gap.Cause != eventlog.Expired || now.Trimmed.Less(gap.Through) {
			t.Errorf("topic %s: %v", topic, gap)
		}
	}
	after := state.Trimmed
	if len(r.Gaps) > 0 {
		after = r.Gaps[len(r.Gaps)-1].Through
	}
	compare(t, topic, since(r.Events, after), since(want, after))
	if now, _ := followed.State(); now == state {
		checkState(t, topic, state, r.Events)
		checkNumbers(t, topic, state, r.numbers)
	}
}

// since returns the events above a position.
func since(events []Event, after eventlog.ID) []Event {
	i := slices.IndexFunc(events, func(e Event) bool { return after.Less(e.ID) })
	if i < 0 {
		return nil
	}
	return events[i:]
}

func compare(t *testing.T, topic string, got, want []Event) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i].ID != want[i].ID {
			t.Errorf("topic %s: event %d is %v, want %v", topic, i, got[i].ID, want[i].ID)
			return
		}
		if !bytes.Equal(got[i].Body, want[i].Body) {
			t.Errorf("topic %s: event %v has another body than was published", topic, got[i].ID)
		}
	}
	if len(got) != len(want) {
		t.Errorf("topic %s: %d events, want %d", topic, len(got), len(want))
	}
}

// checkNumbers proves that the events of a topic have the last numbers of all that
// it has had, without a hole.
func checkNumbers(t *testing.T, topic string, s eventlog.State, numbers []uint64) {
	t.Helper()
	for i, n := range numbers {
		if want := s.Number - uint64(len(numbers)-1-i); n != want {
			t.Errorf("topic %s: event %d of %d has number %d, want %d of %d", topic, i, len(numbers), n, want, s.Number)
			return
		}
	}
}

func checkState(t *testing.T, topic string, s eventlog.State, events []Event) {
	t.Helper()
	var size int64
	for _, e := range events {
		size += int64(len(e.Body))
	}
	oldest, last := eventlog.ID{}, s.Trimmed
	if len(events) > 0 {
		oldest, last = events[0].ID, events[len(events)-1].ID
	}
	want := s
	want.Events, want.Bytes, want.Oldest, want.Last = int64(len(events)), size, oldest, last
	if s != want {
		t.Errorf("topic %s: state %+v, want %+v", topic, s, want)
	}
}
