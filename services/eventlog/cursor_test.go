package eventlog

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sort"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/wire"
)

// shelf is a store in memory that is deep: it holds what the tails don't.
type shelf struct {
	sink   Sink
	mu     sync.Mutex
	clock  Clock
	topics map[string][]Event
	reads  int
}

func (s *shelf) Start(sink Sink) (map[string]State, error) {
	s.sink, s.topics = sink, map[string][]Event{}
	return nil, nil
}

func (s *shelf) Append(_ context.Context, topic string, entries []Entry) []Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	results := make([]Result, len(entries))
	for i, e := range entries {
		id := s.clock.Next()
		event := Event{ID: id, Record: e.Record}
		event.Data = bytes.Clone(e.Data)
		s.topics[topic] = append(s.topics[topic], event)
		s.sink.Committed(topic, []Event{event})
		results[i].Receipt.ID = id
	}
	return results
}

func (s *shelf) Read(_ context.Context, topic string, after, until ID, visit func(Event) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	events := s.topics[topic]
	i := sort.Search(len(events), func(i int) bool { return after.Less(events[i].ID) })
	for ; i < len(events) && !until.Less(events[i].ID) && visit(events[i]); i++ {
	}
	return nil
}

func (s *shelf) Close() error { return nil }

func openShelf(t testing.TB, budget int64) (*Log, *shelf) {
	t.Helper()
	s := &shelf{}
	l, err := Open(s, Options{MemoryBudget: budget})
	if err != nil {
		t.Fatal(err)
	}
	return l, s
}

func fill(t testing.TB, l *Log, topic string, n, size int) (ids []ID) {
	t.Helper()
	for i := range n {
		receipt, err := l.Append(t.Context(), topic, numberedEntry(i, size))
		id := receipt.ID
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// numberedEntry is an entry that goes over the wire as encoded has it.
func numberedEntry(i, size int) Entry {
	b := encoded(i, size)
	return Entry{Record: Record{Data: b[len("data: ") : len(b)-len("\n\n")]}}
}

func encoded(i, size int) []byte {
	b := fmt.Appendf(nil, "data: %d", i)
	if pad := size - len(b) - 2; pad > 0 {
		b = append(b, bytes.Repeat([]byte{'.'}, pad)...)
	}
	return append(b, "\n\n"...)
}

func TestCursorReadsWireBytes(t *testing.T) {
	l, _ := openShelf(t, 0)
	ids := fill(t, l, "topic", 300, 100)
	topic := l.Follow("topic")
	defer l.Leave(topic)
	for _, limit := range []int{1, 100, 250, 1000, 1 << 20} {
		var got, want []byte
		var seen []ID
		c := Cursor{Topic: topic}
		for v := topic.View(); ; {
			span, where := c.Next(&v, limit)
			if where == AtHead {
				break
			}
			if where != Resident {
				t.Fatalf("where is %v", where)
			}
			if len(span.Bytes()) > limit && span.Events > 1 {
				t.Fatalf("%d bytes for a limit of %d", len(span.Bytes()), limit)
			}
			got = append(got, span.Bytes()...)
			n := 0
			span.Each(func(id ID, fields []byte) bool {
				if body := append(bytes.Clone(fields), '\n'); !bytes.Equal(body, encoded(len(seen), 100)) {
					t.Fatalf("the lines of %v are %q", id, fields)
				}
				seen = append(seen, id)
				n++
				return true
			})
			if n != span.Events || seen[len(seen)-1] != span.Last {
				t.Fatalf("a span of %d events through %v visits %d through %v", span.Events, span.Last, n, seen[len(seen)-1])
			}
			c.At = span.Last
		}
		for i, id := range ids {
			want = fmt.Appendf(want, "%sid: %v\n\n", bytes.TrimSuffix(encoded(i, 100), []byte("\n")), id)
		}
		if !bytes.Equal(got, want) || !slices.Equal(seen, ids) {
			t.Errorf("with a limit of %d it reads %d bytes and %d events, want %d and %d", limit, len(got), len(seen), len(want), len(ids))
		}
	}
}

func TestCursorWhere(t *testing.T) {
	l, _ := openShelf(t, 64<<10)
	topic := l.Follow("topic")
	defer l.Leave(topic)
	where := func(at ID) Where {
		v := topic.View()
		c := Cursor{topic, at}
		_, w := c.Next(&v, 1000)
		return w
	}
	if w := where(ID{}); w != AtHead {
		t.Errorf("in a topic that does not exist: %v", w)
	}
	ids := fill(t, l, "topic", 200, 1000) // more than may stay
	last := ids[len(ids)-1]
	for at, want := range map[ID]Where{
		{}:              Elsewhere,
		ids[0]:          Elsewhere,
		ids[198]:        Resident,
		last:            AtHead,
		last.Next():     AtHead,
		wire.MaxID:      AtHead,
		{MS: 1}:         Elsewhere,
		ids[197].Next(): Resident,
	} {
		if w := where(at); w != want {
			t.Errorf("at %v: %v, want %v", at, w, want)
		}
	}
}

// TestViewStays reads a view while the topic goes on.
func TestViewStays(t *testing.T) {
	l, _ := openShelf(t, 32<<10)
	topic := l.Follow("topic")
	defer l.Leave(topic)
	ids := fill(t, l, "topic", 10, 1000)
	v := topic.View()
	var wg sync.WaitGroup
	wg.Go(func() { fill(t, l, "topic", 500, 1000) }) // evicts them
	c := Cursor{Topic: topic}
	for i := range ids {
		span, where := c.Next(&v, 1)
		if where != Resident || span.Last != ids[i] || !bytes.HasPrefix(span.Bytes(), bytes.TrimSuffix(encoded(i, 1000), []byte("\n"))) {
			t.Fatalf("event %d: %v, %v", i, where, span.Last)
		}
		c.At = span.Last
	}
	if _, where := c.Next(&v, 1); where != AtHead {
		t.Errorf("behind the view: %v", where)
	}
	wg.Wait()
}

// TestFetchedPageIsLast has the tail evicted and an old page fetched: what
// follows the page is elsewhere again.
func TestFetchedPageIsLast(t *testing.T) {
	l, s := openShelf(t, 1<<20)
	ids := fill(t, l, "topic", 400, 1000)
	fill(t, l, "other", 1, 1<<20) // so that all of topic gives way
	topic := l.Follow("topic")
	defer l.Leave(topic)
	c := Cursor{Topic: topic, At: ids[9]}
	for c.At != ids[399] {
		v := topic.View()
		span, where := c.Next(&v, 1<<20)
		if where == Resident {
			c.At = span.Last
			continue
		}
		b, err := l.Fetch(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			continue
		}
		for span, where := c.NextIn(b, 10_000); where == Resident; span, where = c.NextIn(b, 10_000) {
			c.At = span.Last
		}
		b.Unpin()
	}
	if s.reads < 3 {
		t.Errorf("%d pages were read", s.reads)
	}
	if id := fill(t, l, "topic", 1, 10); !c.At.Less(id[0]) {
		t.Error("ids do not rise")
	}
	v := topic.View()
	if span, where := c.Next(&v, 1000); where != Resident || span.Events != 1 {
		t.Errorf("the new event is %v", where)
	}
}

func TestWatch(t *testing.T) {
	l, _ := openShelf(t, 0)
	topic := l.Follow("topic")
	var a, b wakes
	topic.Watch(&a)
	topic.Watch(&b)
	fill(t, l, "topic", 2, 10)
	topic.Unwatch(&a)
	fill(t, l, "topic", 1, 10)
	fill(t, l, "other", 1, 10)
	if a != 2 || b != 3 {
		t.Errorf("woken %d and %d times, want 2 and 3", a, b)
	}
	topic.Unwatch(&b)
	l.Leave(topic)
}

type wakes int

func (w *wakes) Wake() { *w++ }

// TestLeaveRaces has a topic come into being while its only follower leaves.
func TestLeaveRaces(t *testing.T) {
	l, _ := openShelf(t, 0)
	for i := range 300 {
		name := fmt.Sprintf("topic-%d", i)
		topic := l.Follow(name)
		var wg sync.WaitGroup
		wg.Go(func() { fill(t, l, name, 1, 10) })
		wg.Go(func() { l.Leave(topic) })
		wg.Wait()
		again := l.Follow(name)
		if s, exists := again.State(); !exists || s.Events != 1 {
			t.Fatalf("round %d: the topic exists: %v, and has %d events", i, exists, s.Events)
		}
		l.Leave(again)
	}
}

func TestAppendRefusesNames(t *testing.T) {
	l, s := openShelf(t, 0)
	if _, err := l.Append(t.Context(), "no/topic", Entry{}); err == nil || len(s.topics) > 0 {
		t.Errorf("a bad name: %v", err)
	}
}
