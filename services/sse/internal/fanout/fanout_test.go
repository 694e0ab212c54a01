package fanout

import (
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

func at(n uint64) eventlog.ID { return eventlog.ID{MS: n} }

// owners returns owners of one topic that have joined where it begins.
func owners(t *testing.T, ts *Topics, n int) []*Owner {
	t.Helper()
	log, err := eventlog.Open(eventlog.Memory(eventlog.MemoryOptions{}), eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	topic := log.Follow("a")
	t.Cleanup(func() { log.Leave(topic); log.Close() })
	all := make([]*Owner, n)
	for i := range all {
		all[i] = &Owner{}
		all[i].Follow(ts, topic)
		all[i].Join(at(1))
	}
	return all
}

// TestLastOwnerDecides: an event is fanned out when the last owner has come past
// it, or has left, and each event once.
func TestLastOwnerDecides(t *testing.T) {
	var ts Topics
	o := owners(t, &ts, 3)
	expect := func(got, want Run) {
		t.Helper()
		if got != want {
			t.Errorf("fanned out: %v, want %v", got, want)
		}
	}
	expect(o[0].Passed(at(5), 0), Run{})
	expect(o[1].Passed(at(3), 0), Run{})
	expect(o[2].Passed(at(4), 0), Run{at(1), at(3)})
	expect(o[2].Passed(at(4), 0), Run{})
	topic, r := o[1].Leave()
	expect(r, Run{at(3), at(4)})
	ts.Quit(topic)
	if o[1].Follows() || o[0].Peers() != 2 {
		t.Errorf("%d owners are left", o[0].Peers())
	}
	late := &Owner{}
	late.topic, late.place = topic, -1
	late.Join(at(2)) // behind what is done: it holds up nothing that was reported
	late.Join(at(9)) // is there already
	if late.At() != at(4) {
		t.Errorf("joined at %v", late.At())
	}
	for _, o := range []*Owner{o[0], o[2]} {
		topic, _ := o.Leave()
		ts.Quit(topic)
	}
	if n := len(ts.All()); n != 0 {
		t.Errorf("%d topics are still followed", n)
	}
}

// TestStuckOwner: an owner that is in one write for long holds up nobody, and
// counts again once it has joined anew.
func TestStuckOwner(t *testing.T) {
	var ts Topics
	o := owners(t, &ts, 2)
	o[0].Passed(at(8), 0)
	o[1].Passed(at(2), 5*time.Second)
	topic := o[0].Topic()
	if r := topic.Stuck(5 * time.Second); r != (Run{}) {
		t.Errorf("taken out too early: %v", r)
	}
	if r := topic.Stuck(6 * time.Second); r != (Run{at(2), at(8)}) {
		t.Errorf("fanned out: %v", r)
	}
	o[1].Wrote()
	if r := o[0].Passed(at(9), 0); r != (Run{at(8), at(9)}) {
		t.Errorf("held up by who was taken out: %v", r)
	}
	o[1].Join(at(9))
	if r := o[0].Passed(at(10), 0); r != (Run{}) {
		t.Errorf("not held up by who is back: %v", r)
	}
}

// TestTally: what owners know of a traced event adds up, and is told once.
func TestTally(t *testing.T) {
	var ts Topics
	o := owners(t, &ts, 2)
	o[0].Count(at(3), Tally{Connections: 2, Stalled: 1, Lag: time.Second})
	o[1].Count(at(3), Tally{Connections: 5, Stalled: 1, Lag: time.Minute})
	o[1].Count(at(1), Tally{Connections: 1}) // was reported before
	topic := o[0].Topic()
	if got, want := topic.counted(at(3)), (Tally{7, 2, time.Minute}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := topic.counted(at(3)); got != (Tally{}) {
		t.Errorf("told twice: %+v", got)
	}
	if len(topic.traced) != 0 {
		t.Errorf("%d are kept", len(topic.traced))
	}
}

// TestOneClaims: of several owners one follows a traced event, and nothing is
// kept of it once it is fanned out.
func TestOneClaims(t *testing.T) {
	var ts Topics
	o := owners(t, &ts, 2)
	topic := o[0].topic
	if !o[0].Claim(at(2)) || o[1].Claim(at(2)) || o[0].Claim(at(2)) || !o[1].Claim(at(3)) {
		t.Error("an event is claimed by several, or by none")
	}
	o[0].Passed(at(3), 0)
	o[1].Passed(at(3), 0)
	if o[0].Claim(at(3)) {
		t.Error("an event is claimed that is fanned out")
	}
	topic.counted(at(2))
	topic.forget(at(3))
	if len(topic.claimed) != 0 {
		t.Errorf("kept: %v", topic.claimed)
	}
	for _, o := range o {
		topic, _ := o.Leave()
		ts.Quit(topic)
	}
}
