package sse_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// TestGapThenCut: a client that presents a trimmed id and is cut off at any
// point of the opening loses nothing that is there, and is told until it has
// seen it.
func TestGapThenCut(t *testing.T) {
	store := newDeep()
	f := serve(t, options{store: store})
	ids := f.publishN("orders", 10, 10)
	store.trim("orders", ids[4])

	// Cut right after stream.open: told again, with the same position.
	var open wire.Message
	presented := ids[1].String()
	for range 3 {
		w := f.get(t, "topic=orders", "Last-Event-ID: "+presented)
		open = w.next()
		if o := expectOpen(t, open); o.Topics[0].Outcome != eventlog.OutcomeGap || open.ID != ids[1].String() {
			t.Fatalf("%+v", open)
		}
		w.conn.Close()
		presented = open.ID
	}
	// Cut right after stream.gap: the rest follows, and no gap again.
	w := f.get(t, "topic=orders", "Last-Event-ID: "+presented)
	w.next()
	m := w.next()
	g := expectGap(t, m)
	if want := (gap{"orders", ids[1].String(), ids[5].String(), ids[9].String(), eventlog.Expired}); g != want || m.ID != ids[4].String() {
		t.Fatalf("%+v with id %s, want %+v", g, m.ID, want)
	}
	w.conn.Close()
	w = f.get(t, "topic=orders", "Last-Event-ID: "+m.ID)
	m = w.next()
	if o := expectOpen(t, m); o.Topics[0].Outcome != eventlog.OutcomeReplay {
		t.Fatalf("%+v", o)
	}
	tr := newTrack(f.ledger, m, "orders")
	for range 5 {
		tr.event(w.next())
	}
	f.observer.wait(t, "the gaps to be reported", func() bool { return len(f.observer.gaps) == 4 })
}

// TestGapAheadThenCut: what an id newer than the log is answered with resumes
// exactly, even if the log then passes the id that was presented.
func TestGapAheadThenCut(t *testing.T) {
	f := serve(t, options{})
	last := f.publish("orders", "1")
	ahead := eventlog.ID{MS: last.MS, Seq: last.Seq + 2}
	for _, eventsRead := range []int{1, 2} {
		w := f.get(t, "topic=orders", "Last-Event-ID: "+ahead.String())
		var m wire.Message
		for range eventsRead {
			m = w.next()
		}
		w.conn.Close()
		if m.ID != last.String() {
			t.Fatalf("goes on from %s, want %v", m.ID, last)
		}
	}
	f.publishN("orders", 5, 10)
	w := f.get(t, "topic=orders", "Last-Event-ID: "+last.String())
	tr := newTrack(f.ledger, w.next(), "orders")
	for range 5 {
		tr.event(w.next())
	}
}

// readThroughGaps reads until a topic is at its head, and returns the number
// of gaps on the way; everything that no gap names must come.
func (tr *track) readThroughGaps(w *http1, topic int) (gaps int) {
	tr.t.Helper()
	for len(tr.l.after(tr.topics[topic], tr.at[topic])) > 0 {
		m := w.next()
		if m.Type != "stream.gap" {
			tr.event(m)
			continue
		}
		gaps++
		tr.gap(m)
	}
	return gaps
}

// gap moves the position over a stream.gap and proves that it moved one topic
// only, forward.
func (tr *track) gap(m wire.Message) gap {
	tr.t.Helper()
	g := expectGap(tr.t, m)
	next := movedPosition(tr.t, m.ID, tr.topics, slices.Index(tr.topics, g.Topic))
	for i, name := range tr.topics {
		switch {
		case name != g.Topic && next[i] != tr.at[i]:
			tr.t.Fatalf("a gap of %s moved %s", g.Topic, name)
		case name == g.Topic && (!tr.at[i].Less(next[i]) || g.After != tr.at[i].String()):
			tr.t.Fatalf("gap %+v at %v goes on from %v", g, tr.at[i], next[i])
		}
	}
	tr.at, tr.last = next, m.ID
	return g
}

// TestGapOpensUnderSlowReader: a Memory log with little room moves past a
// reader that does not read; it is told when it reads on.
func TestGapOpensUnderSlowReader(t *testing.T) {
	for name, query := range map[string]string{"one topic": "topic=busy", "two topics": "topic=quiet&topic=busy"} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, options{budget: 1 << 20, handler: &sse.Handler{WriteTimeout: patience}})
			w := f.get(t, query)
			m := w.next()
			topics := []string{"busy"}
			if name == "two topics" {
				topics = []string{"quiet", "busy"}
			}
			tr := newTrack(f.ledger, m, topics...)
			from := tr.at
			f.publish("quiet", "before")
			ids := f.publishN("busy", 2000, 4<<10)
			f.publish("quiet", "behind")
			if gaps := tr.readThroughGaps(w, len(topics)-1); gaps == 0 {
				t.Fatal("no gap was told")
			}
			if tr.at[len(topics)-1] != ids[len(ids)-1] || tr.count == 0 {
				t.Fatalf("ended at %v after %d events", tr.at, tr.count)
			}
			if len(topics) > 1 {
				for len(f.after("quiet", tr.at[0])) > 0 {
					m := w.next()
					if m.Type == "stream.gap" { // its tail gave way too
						tr.gap(m)
						continue
					}
					tr.event(m)
				}
			}
			_ = from
			if st := f.h.Stats(); st.Stalls == 0 {
				t.Error("no stall was counted")
			}
		})
	}
}

// TestGapOfDamagedEvents: what a store cannot read is told, the rest comes.
func TestGapOfDamagedEvents(t *testing.T) {
	for name, query := range map[string]string{"one topic": "topic=a", "two topics": "topic=a&topic=b"} {
		t.Run(name, func(t *testing.T) {
			store := newDeep()
			f := serve(t, options{store: store, budget: 1 << 20})
			ids := f.publishN("a", 1000, 1<<10)
			store.damage("a", ids[0], ids[100], ids[101], ids[102], ids[500])
			topics := []string{"a", "b"}[:1]
			if name == "two topics" {
				topics = []string{"a", "b"}
				f.publishN("b", 1000, 1<<10)
			}
			w := f.get(t, query, "Last-Event-ID: 0")
			tr := newTrack(f.ledger, w.next(), topics...)
			damaged := map[eventlog.ID]int{ids[0]: 1, ids[102]: 3, ids[500]: 1} // by the last of each run
			for {
				left := 0
				for i, topic := range topics {
					left += len(f.after(topic, tr.at[i]))
				}
				if left == 0 {
					break
				}
				m := w.next()
				if m.Type != "stream.gap" {
					tr.event(m)
					continue
				}
				before := tr.at[0]
				if g := tr.gap(m); g.Reason != eventlog.Damaged {
					t.Fatalf("%+v", g)
				}
				skipped := len(f.after("a", before)) - len(f.after("a", tr.at[0]))
				if damaged[tr.at[0]] != skipped {
					t.Fatalf("the gap to %v skips %d events", tr.at[0], skipped)
				}
				delete(damaged, tr.at[0])

				// A cut here is no second loss.
				again := f.get(t, query, "Last-Event-ID: "+m.ID)
				opened := again.next()
				if o := expectOpen(t, opened); o.Topics[0].Outcome != eventlog.OutcomeReplay {
					t.Fatalf("%+v", o)
				}
				ta := newTrack(f.ledger, opened, topics...)
				ta.event(again.next())
				again.conn.Close()
			}
			if len(damaged) > 0 {
				t.Fatalf("gaps that were not told: %v", damaged)
			}
		})
	}
}

// TestStoreFailsForAWhile: the stream stays open, keeps its heartbeat, goes on
// with the topics that are in memory, and loses nothing.
func TestStoreFailsForAWhile(t *testing.T) {
	t.Parallel()
	store := newDeep()
	f := serve(t, options{store: store, budget: 1 << 20, handler: &sse.Handler{HeartbeatInterval: 300 * time.Millisecond}})
	f.publishN("a", 2000, 1<<10)
	f.publish("b", "in memory")
	store.fail("the disk is on fire")
	w := f.get(t, "topic=a", "Last-Event-ID: 0")
	both := f.get(t, "topic=a&topic=b", "Last-Event-ID: 0")
	tr := newTrack(f.ledger, w.next(), "a")
	tb := newTrack(f.ledger, both.next(), "a", "b")
	tb.event(both.next()) // of b
	f.publish("b", "live")
	tb.event(both.next())
	f.publish("a", "live, above what cannot be read")

	// A heartbeat comes meanwhile, and no event of a.
	if err := w.nextChunk(); err != nil || string(w.rest) != ": ping\n\n" {
		t.Fatalf("%q, %v", w.rest, err)
	}
	w.rest = nil
	await(t, "several tries", func() bool { return store.readCount() >= 2 })
	store.fail("")
	for len(f.after("a", tr.at[0])) > 0 {
		tr.event(w.next())
	}
	for len(f.after("a", tb.at[0])) > 0 {
		tb.event(both.next())
	}
	if ends := f.observer.all(); len(ends) > 0 {
		t.Errorf("streams ended: %v", ends)
	}
}

// TestStoreHangs: a store that does not answer delays only who needs it, and
// a client that leaves meanwhile costs nothing when it answers.
func TestStoreHangs(t *testing.T) {
	store := newDeep()
	f := serve(t, options{store: store, budget: 256 << 10})
	f.publishN("a", 1000, 1<<10)
	release := store.hold()
	waiting, leaving := f.get(t, "topic=a", "Last-Event-ID: 0"), f.get(t, "topic=a", "Last-Event-ID: 0")
	tr := newTrack(f.ledger, waiting.next(), "a")
	leaving.next()
	await(t, "a read", func() bool { return store.readCount() > 0 })
	live := f.get(t, "topic=a")
	tl := newTrack(f.ledger, live.next(), "a")
	f.publish("a", "live")
	tl.event(live.next())
	leaving.conn.Close()
	f.observer.ended(t, 0)
	release()
	for len(f.after("a", tr.at[0])) > 0 {
		tr.event(waiting.next())
	}
}

// TestDeepReads: readers below the hot tail, at many positions, among live
// ones, with so little memory that pages give way under them.
func TestDeepReads(t *testing.T) {
	for name, budget := range map[string]int64{"little memory": 2 << 20, "next to none": 1 << 10} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, options{store: newDeep(), budget: budget})
			ids := f.publishN("a", 3000, 1000)
			f.publishN("b", 500, 1000)
			var readers []*resumer
			for _, id := range []string{"0", "", ids[0].String(), ids[1000].String(), ids[2900].String()} {
				readers = append(readers, f.resumer(t, id, "a"))
			}
			readers = append(readers, f.resumer(t, "0", "a", "b"), f.resumer(t, "", "unborn"))
			f.publishN("a", 100, 1000)
			f.publishN("unborn", 10, 1000)
			for _, r := range readers {
				r.toHead()
			}
			if st := f.h.Stats(); st.Fetches == 0 {
				t.Error("nothing was fetched")
			}
			for _, e := range f.observer.all() { // with next to no memory, pins are too much
				if e.reason != sse.ReasonClient && (e.reason != sse.ReasonMemory || budget > 1<<10) {
					t.Errorf("ended: %s", e.reason)
				}
			}
		})
	}
}

// TestNoGapInNewTopic: a stream that looks at a topic while its store is
// creating it finds nothing yet, not a gap.
func TestNoGapInNewTopic(t *testing.T) {
	store := newDeep()
	f := serve(t, options{store: store})
	w := f.get(t, "topic=new&topic=other")
	tr := newTrack(f.ledger, w.next(), "new", "other")
	store.between = func() {
		store.between = nil
		for range 3 {
			id := store.clock.Next()
			f.ledger.record("other", entry{id, "other 1"})
			store.sink.Committed("other", []eventlog.Event{{ID: id, Record: eventlog.TextEntry("", "other 1").Record}})
			tr.event(w.next())
		}
	}
	f.publish("new", "1")
	tr.event(w.next())
	f.publish("new", "2")
	tr.event(w.next())
	f.publish("other", "2")
	tr.event(w.next())
}

// TestLateAnswerOfStore: what the pool finds for a position that the stream
// has left meanwhile is no news: neither a gap nor a repetition.
func TestLateAnswerOfStore(t *testing.T) {
	store := newDeep()
	f := serve(t, options{store: store, budget: 1 << 20})
	ids := f.publishN("a", 100, 1<<10)
	var readers []*resumer
	for i := range 4 { // as many as the pool has
		f.publishN(fmt.Sprintf("held%d", i), 10, 1<<10)
	}
	for i := range 3 { // the tails so far give way
		f.publishN(fmt.Sprintf("other%d", i), 600, 1<<10)
	}
	release := store.hold("held0", "held1", "held2", "held3")
	for i := range 4 {
		readers = append(readers, f.resumer(t, "0", fmt.Sprintf("held%d", i)))
	}
	await(t, "the pool to be busy", func() bool { return store.readCount() == 4 })

	a := f.resumer(t, "0", "a") // queues
	topic := f.log.Follow("a")
	defer f.log.Leave(topic)
	page, err := f.log.Fetch(context.Background(), eventlog.Cursor{Topic: topic, At: a.at[0]})
	if err != nil || page == nil {
		t.Fatal(page, err)
	}
	page.Unpin()
	f.publish("a", "live") // the stream looks, and finds the page
	a.toHead()
	store.trim("a", ids[50])
	release()
	for _, r := range readers {
		r.toHead()
	}
	f.publish("a", "live")
	a.toHead()
	a.w.conn.Close()
}
