package stream

import (
	"fmt"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// follow returns a stream of topics with five events each, of which it has read
// none.
func follow(t *testing.T, topics ...string) (*Stream, []eventlog.ID) {
	t.Helper()
	l, err := eventlog.Open(eventlog.Memory(eventlog.MemoryOptions{}), eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &Stream{Subs: make([]Sub, len(topics))}
	var ids []eventlog.ID
	for i, name := range topics {
		for n := range 5 {
			r, err := l.Append(t.Context(), name, eventlog.Entry{Record: eventlog.Record{Data: fmt.Append(nil, "event ", n)}})
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				ids = append(ids, r.ID)
			}
		}
		topic := l.Follow(name)
		s.Subs[i] = Sub{Cursor: eventlog.Cursor{Topic: topic}, Feed: &Feed{Topic: topic}}
		s.Subs[i].Stand(0)
	}
	return s, ids
}

// step takes pieces of at least one event each until there is none.
func (s *Stream) step(pieces int, limit int) {
	for pass := uint64(1); pieces > 0; pass, pieces = pass+1, pieces-1 {
		_, ok := s.Next(pass, limit, nil, nil)
		for i := range s.Subs {
			s.Subs[i].Feed.Forget()
		}
		if !ok {
			return
		}
	}
}

func TestAccount(t *testing.T) {
	const one, all = 1, 1 << 20
	for name, c := range map[string]struct {
		do   func(s *Stream, ids []eventlog.ID)
		want eventlog.Readings
		due  uint64
	}{
		"all":        {func(s *Stream, _ []eventlog.ID) { s.step(9, all) }, eventlog.Readings{Delivered: 5}, 0},
		"one by one": {func(s *Stream, _ []eventlog.ID) { s.step(9, one) }, eventlog.Readings{Delivered: 5}, 0},
		"two so far": {func(s *Stream, _ []eventlog.ID) { s.step(2, one) }, eventlog.Readings{Delivered: 2}, 3},
		"passed over": {func(s *Stream, ids []eventlog.ID) {
			s.step(1, one)
			s.Subs[0].At = ids[2]
			s.step(9, all)
		}, eventlog.Readings{Delivered: 3, Lost: 2}, 0},
		"the first passed over": {func(s *Stream, ids []eventlog.ID) {
			s.Subs[0].At = ids[0]
			s.step(9, all)
		}, eventlog.Readings{Delivered: 4, Lost: 1}, 0},
		"told of": {func(s *Stream, ids []eventlog.ID) {
			s.step(1, one)
			s.Subs[0].Answered(s.Subs[0].At, nil, &eventlog.GapError{Through: ids[2]})
			s.step(9, all)
		}, eventlog.Readings{Delivered: 3, Told: 2}, 0},
		"passed over after it was told": {func(s *Stream, ids []eventlog.ID) {
			s.Subs[0].Answered(s.Subs[0].At, nil, &eventlog.GapError{Through: ids[0]})
			s.step(1, one)
			s.Subs[0].At = ids[3]
			s.step(9, all)
		}, eventlog.Readings{Delivered: 2, Told: 1, Lost: 2}, 0},
		"left": {func(s *Stream, _ []eventlog.ID) {
			s.step(2, one)
			s.Subs[0].Leave()
		}, eventlog.Readings{Delivered: 2, Left: 3}, 3},
		"of the server's own": {func(s *Stream, _ []eventlog.ID) {
			s.Subs[0].Own = true
			s.step(9, all)
			s.Subs[0].Leave()
		}, eventlog.Readings{}, 5},
	} {
		for _, topics := range [][]string{{"a"}, {"a", "b"}} {
			s, ids := follow(t, topics...)
			if len(topics) > 1 { // only of the first is there something to come
				s.Subs[1].At = s.Subs[1].Feed.Look(1).Head
				s.Subs[1].Stand(5)
				s.Subs[1].Feed.Forget()
			}
			c.do(s, ids)
			if got := s.Subs[0].Topic.Readings(); got != c.want {
				t.Errorf("%s, %d topics: %+v, want %+v", name, len(topics), got, c.want)
			}
			v := s.Subs[0].Topic.View()
			if due := s.Subs[0].Due(&v); due != c.due {
				t.Errorf("%s, %d topics: %d are due, want %d", name, len(topics), due, c.due)
			}
		}
	}
}
