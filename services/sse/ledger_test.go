package sse_test

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// ledger remembers what was published, to hold it against what arrived.
type ledger struct {
	t   testing.TB
	log *eventlog.Log

	mu      sync.Mutex
	entries map[string][]entry // by topic
}

type entry struct {
	id   eventlog.ID
	data string
}

func newLedger(t testing.TB, log *eventlog.Log) *ledger {
	return &ledger{t: t, log: log, entries: map[string][]entry{}}
}

// publish appends one event. Its data begins with the topic, for readers of
// several.
func (l *ledger) publish(topic, text string) eventlog.ID {
	l.t.Helper()
	data := topic + " " + text
	receipt, err := l.log.Append(context.Background(), topic, eventlog.TextEntry("", data))
	id := receipt.ID
	if err != nil {
		l.t.Errorf("publish: %v", err)
		return id
	}
	l.record(topic, entry{id, data})
	return id
}

func (l *ledger) record(topic string, e entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := l.entries[topic] // replaced where a lower id comes late, else only grown
	if i := behind(entries, e.id); i < len(entries) {
		l.entries[topic] = slices.Insert(slices.Clone(entries), i, e)
	} else {
		l.entries[topic] = append(entries, e)
	}
}

// behind returns the index of the first entry above an id.
func behind(entries []entry, id eventlog.ID) int {
	return sort.Search(len(entries), func(i int) bool { return id.Less(entries[i].id) })
}

// publishN appends n numbered events of about size bytes, and returns the ids.
func (l *ledger) publishN(topic string, n, size int) []eventlog.ID {
	l.t.Helper()
	padding := strings.Repeat("x", size)
	ids := make([]eventlog.ID, n)
	for i := range ids {
		ids[i] = l.publish(topic, fmt.Sprintf("%d %s", i, padding))
	}
	return ids
}

// after returns what was published to a topic above a position, by id.
func (l *ledger) after(topic string, id eventlog.ID) []entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	entries := l.entries[topic]
	return entries[behind(entries, id):]
}

// track follows what one client gets and proves for each event, the moment it
// arrives, that it comes once, in order, with nothing left out, and that its
// id is the position behind it in all topics.
type track struct {
	l      *ledger
	t      testing.TB
	topics []string
	at     []eventlog.ID // position in each topic
	last   string        // what the client would present
	count  int
	// exact is false while publishers run: that nothing is left out is then
	// proved by caughtUp, from seen.
	exact bool
	seen  [][]entry
}

// newTrack begins after the id of a stream.open.
func newTrack(l *ledger, opened wire.Message, topics ...string) *track {
	l.t.Helper()
	tr := &track{l: l, t: l.t, topics: topics, exact: true, last: opened.ID, seen: make([][]entry, len(topics))}
	tr.at = parsePosition(l.t, opened.ID, topics)
	return tr
}

// event proves that one published event is what had to come.
func (tr *track) event(m wire.Message) {
	tr.t.Helper()
	topic, _, _ := strings.Cut(m.Data, " ")
	i := slices.Index(tr.topics, topic)
	if i < 0 {
		tr.t.Fatalf("got an event of %q on a stream of %v", topic, tr.topics)
	}
	next := movedPosition(tr.t, m.ID, tr.topics, i)
	for k := range next {
		switch {
		case k == i && !tr.at[k].Less(next[k]):
			tr.t.Fatalf("%s: id %v after %v: a repetition or out of order", topic, next[k], tr.at[k])
		case k != i && next[k] != tr.at[k]:
			tr.t.Fatalf("an event of %s moved the position in %s from %v to %v", topic, tr.topics[k], tr.at[k], next[k])
		}
	}
	got := entry{next[i], m.Data}
	if tr.exact {
		if due := tr.l.after(topic, tr.at[i]); len(due) == 0 || due[0] != got {
			tr.t.Fatalf("%s after %v: got %.80v, due was %.80v", topic, tr.at[i], got, due[:min(len(due), 1)])
		}
	} else {
		tr.seen[i] = append(tr.seen[i], got)
	}
	tr.at, tr.last = next, m.ID
	tr.count++
}

// caughtUp proves that everything after the given positions was seen.
func (tr *track) caughtUp(from []eventlog.ID) {
	tr.t.Helper()
	for i, topic := range tr.topics {
		due := tr.l.after(topic, from[i])
		if tr.exact {
			if left := tr.l.after(topic, tr.at[i]); len(left) > 0 {
				tr.t.Fatalf("%s: %d events are missing after %v", topic, len(left), tr.at[i])
			}
			continue
		}
		if !slices.Equal(tr.seen[i], due) {
			tr.t.Fatalf("%s: saw %d events, due were %d; first difference at %d", topic, len(tr.seen[i]), len(due), firstDifference(tr.seen[i], due))
		}
	}
}

func firstDifference(a, b []entry) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// movedPosition reads the id of an event of one of the topics, strictly: that
// topic stands first.
func movedPosition(t testing.TB, text string, topics []string, moved int) []eventlog.ID {
	t.Helper()
	order := slices.Insert(slices.Delete(slices.Clone(topics), moved, moved+1), 0, topics[moved])
	at := parsePosition(t, text, order)
	return slices.Insert(at[1:], moved, at[0])
}

// parsePosition reads an id as the contract has it, strictly: with the topics
// in this order.
func parsePosition(t testing.TB, text string, topics []string) []eventlog.ID {
	t.Helper()
	parts := []string{text}
	if len(topics) > 1 {
		parts = strings.Split(text, ",")
	}
	if len(parts) != len(topics) {
		t.Fatalf("id %q on topics %v", text, topics)
	}
	at := make([]eventlog.ID, len(topics))
	for i, part := range parts {
		if len(topics) > 1 {
			name, id, _ := strings.Cut(part, "@")
			if name != topics[i] {
				t.Fatalf("id %q on topics %v", text, topics)
			}
			part = id
		}
		id, err := wire.ParseID(part)
		if err != nil {
			t.Fatalf("id %q: %v", text, err)
		}
		at[i] = id
	}
	return at
}
