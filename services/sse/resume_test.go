package sse_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// resumer is a client as a browser is one: it comes back with the last id that
// it has seen, wherever it was cut off.
type resumer struct {
	f      *fixture
	t      testing.TB
	topics []string
	*track
	w    *http1
	cuts int
}

// resumer subscribes after an id, which stream.open resolves.
func (f *fixture) resumer(t testing.TB, id string, topics ...string) *resumer {
	t.Helper()
	r := &resumer{f: f, t: t, topics: topics}
	r.w = f.get(t, r.query(), "Last-Event-ID: "+id)
	m := r.w.next()
	expectOpen(t, m)
	r.track = newTrack(f.ledger, m, topics...)
	return r
}

func (r *resumer) query() string { return "topic=" + strings.Join(r.topics, "&topic=") }

// again reconnects, from exactly where it was.
func (r *resumer) again() {
	r.t.Helper()
	r.cuts++
	r.w.conn.Close()
	r.w = r.f.get(r.t, r.query(), "Last-Event-ID: "+r.last)
	m := r.w.next()
	for _, topic := range expectOpen(r.t, m).Topics {
		if topic.Outcome != eventlog.OutcomeReplay && topic.Outcome != eventlog.OutcomeLive {
			r.t.Fatalf("resuming from %s: %+v", r.last, topic)
		}
	}
	at := parsePosition(r.t, m.ID, r.topics)
	if !slices.Equal(at, r.at) && !strings.Contains(r.last, "0-0") { // 0-0 is resolved
		r.t.Fatalf("resuming from %s starts after %s", r.last, m.ID)
	}
	r.at = at
}

// step takes one event, through a cut if need be.
func (r *resumer) step() {
	r.t.Helper()
	m, err := r.w.Next()
	if err != nil {
		r.again()
		return
	}
	r.event(m)
}

// toHead reads all that was published.
func (r *resumer) toHead() {
	r.t.Helper()
	for i, topic := range r.topics {
		for len(r.l.after(topic, r.at[i])) > 0 {
			r.step()
		}
	}
}
