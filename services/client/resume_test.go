package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// play serves one text for each connection in turn, and records what each
// presented. Afterwards connections stay silent.
func play(t *testing.T, change func(*client.Options), n int, streams ...string) (events []client.Event, presented []string, d *diary) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d = newDiary(t)
		hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
			presented = append(presented, r.Header.Get("Last-Event-ID"))
			streaming(w, streams[len(presented)-1])
			if len(presented) == len(streams) {
				<-r.Context().Done()
			}
		})
		defer hub.stop()
		o := hub.options(d)
		change(&o)
		for e, err := range client.Subscribe(t.Context(), o) {
			if err != nil {
				t.Fatal(err)
			}
			if events = append(events, e); len(events) == n {
				break
			}
		}
	})
	return events, presented, d
}

func summary(events []client.Event) string {
	var parts []string
	for _, e := range events {
		what := e.Data
		if e.Gap != nil {
			what = "gap"
		}
		parts = append(parts, fmt.Sprintf("%s=%s:%s", e.Topic, what, e.ID))
	}
	return strings.Join(parts, " ")
}

func openTwo(id, afterA, headA, afterB, headB string) string {
	return fmt.Sprintf("event: stream.open\ndata: {\"connection\":\"c\",\"heartbeat\":{\"interval_ms\":15000},\"topics\":["+
		"{\"topic\":\"a\",\"outcome\":\"replay\",\"after\":%q,\"head\":%q},{\"topic\":\"b\",\"outcome\":\"replay\",\"after\":%q,\"head\":%q}]}\nid: %s\n\n", afterA, headA, afterB, headB, id)
}

func TestResumes(t *testing.T) {
	for _, row := range []struct {
		name      string
		change    func(*client.Options)
		streams   []string
		events    string
		presented string
	}{
		{"from now on, cut before the first event", func(*client.Options) {},
			[]string{opening("5-0", "5-0"), opening("5-0", "6-0") + event("6-0", "x")},
			"a=x:6-0", " 5-0"},
		{"from an id", func(o *client.Options) { o.LastEventID = "0" },
			[]string{opening("0-0", "2-0") + event("1-0", "x"), opening("1-0", "2-0") + event("2-0", "y")},
			"a=x:1-0 a=y:2-0", "0 1-0"},
		{"an event cut short is none", func(*client.Options) {},
			[]string{opening("1-0", "1-0") + event("2-0", "x") + "id: 3-0\ndata: cut", opening("2-0", "3-0") + event("3-0", "y")},
			"a=x:2-0 a=y:3-0", " 2-0"},
		{"what comes twice is left out", func(*client.Options) {},
			[]string{opening("1-0", "1-0") + event("2-0", "x") + event("2-0", "x") + event("1-5", "old"),
				opening("1-0", "3-0") + event("2-0", "x") + event("2-1", "y")},
			"a=x:2-0 a=y:2-1", " 2-0"},
		{"a gap may go back", func(o *client.Options) { o.LastEventID = "9-0" },
			[]string{opening("3-0", "3-0") + gapEvent("a", "3-0", "ahead") + event("4-0", "x")},
			"a=gap:3-0 a=x:4-0", "9-0"},
		{"a gap while streaming", func(*client.Options) {},
			[]string{opening("1-0", "9-0") + event("2-0", "x") + gapEvent("a", "7-0", "expired") + event("8-0", "y") + event("6-0", "not again")},
			"a=x:2-0 a=gap:7-0 a=y:8-0", ""},
		{"two topics", two(""),
			[]string{openTwo("a@1-0,b@5-0", "1-0", "3-0", "5-0", "6-0") + event("a@2-0,b@5-0", "x") + event("b@6-0,a@2-0", "y"),
				openTwo("a@2-0,b@6-0", "2-0", "3-0", "6-0", "6-0") + event("a@3-0,b@6-0", "z")},
			"a=x:a@2-0,b@5-0 b=y:b@6-0,a@2-0 a=z:a@3-0,b@6-0", " b@6-0,a@2-0"},
		{"two topics of a hub that keeps to the order of the request", two(""),
			[]string{openTwo("a@1-0,b@5-0", "1-0", "3-0", "5-0", "6-0") + event("a@2-0,b@5-0", "x") + event("a@2-0,b@6-0", "y")},
			"a=x:a@2-0,b@5-0 b=y:b@6-0,a@2-0", ""},
		{"a server that repeats one topic of two", two("b@6-0,a@2-0,other@1-0"),
			[]string{openTwo("a@1-0,b@5-0", "1-0", "3-0", "5-0", "7-0") + event("a@1-0,b@6-0", "old") + event("a@1-0,b@7-0", "y") +
				event("a@2-0,b@7-0", "old") + event("a@3-0,b@7-0", "x")},
			"b=y:b@7-0,a@2-0 a=x:a@3-0,b@7-0", "b@6-0,a@2-0,other@1-0"},
		{"everything of two topics", two("0"),
			[]string{openTwo("a@0-0,b@0-0", "0-0", "1-0", "0-0", "0-0") + event("a@1-0,b@0-0", "x")},
			"a=x:a@1-0,b@0-0", "0"},
		{"a gap in one of two", two(""),
			[]string{openTwo("a@9-0,b@5-0", "9-0", "3-0", "5-0", "7-0") + gapEvent("a", "a@3-0,b@5-0", "ahead") + event("b@6-0,a@3-0", "y")},
			"a=gap:a@3-0,b@5-0 b=y:b@6-0,a@3-0", ""},
		{"an empty id resets", func(*client.Options) {},
			[]string{"id: one\ndata: x\n\ndata: y\nid\n\n", "data: z\nid: two\n\n"},
			"a=x:one a=y: a=z:two", " "},
		{"an empty id without an event resets", func(*client.Options) {},
			[]string{"id: one\ndata: x\n\nid:\n\n", "data: y\n\n"},
			"a=x:one a=y:", " "},
		{"an event without an id keeps it, on the next stream too", func(*client.Options) {},
			[]string{"id: one\ndata: x\n\n", "data: y\n\n", "data: z\n\n"},
			"a=x:one a=y:one a=z:one", " one one"},
		{"an empty id that is cut short resets nothing", func(*client.Options) {},
			[]string{"id: one\ndata: x\n\nid:\ndata: cut", "data: y\n\n"},
			"a=x:one a=y:one", " one"},
		{"another server's ids", func(*client.Options) {},
			[]string{"id: zebra\ndata: x\n\nid: apple\ndata: y\n\ndata: z\n\n", "id: apple\ndata: again, who knows\n\n"},
			"a=x:zebra a=y:apple a=z:apple a=again, who knows:apple", " apple"},
		{"another server's ids that look like ours", func(*client.Options) {},
			[]string{"id: 5-0\ndata: x\n\nid: 4-0\ndata: y\n\ndata: z\n\n"},
			"a=x:5-0 a=y:4-0 a=z:4-0", ""},
		{"an id without an event", func(*client.Options) {},
			[]string{"data: x\n\nid: mark\n\n", "data: y\n\n"},
			"a=x: a=y:mark", " mark"},
	} {
		n := len(strings.Split(row.events, " a=")) + strings.Count(row.events, " b=")
		events, presented, _ := play(t, row.change, n, row.streams...)
		if got := summary(events); got != row.events {
			t.Errorf("%s: got %s\nwant %s", row.name, got, row.events)
		}
		if got := strings.Join(presented, " "); got != row.presented {
			t.Errorf("%s: presented %q, want %q", row.name, got, row.presented)
		}
	}
}

func two(last string) func(*client.Options) {
	return func(o *client.Options) { o.Topics, o.LastEventID = []string{"a", "b"}, last }
}

func gapEvent(topic, id, reason string) string {
	return fmt.Sprintf("event: stream.gap\ndata: {\"topic\":%q,\"after\":\"1-0\",\"oldest\":\"8-0\",\"head\":\"9-0\",\"reason\":%q}\nid: %s\n\n", topic, reason, id)
}

// An event carries all that the publisher gave it.
func TestEventFields(t *testing.T) {
	events, _, d := play(t, func(*client.Options) {}, 2, opening("1-0", "1-0")+
		"id: 2-0\nevent: order\nkey: k\ntraceparent: 00-1\ndata: one\ndata: two\n\n"+gapEvent("a", "7-0", "expired"))
	if want := (client.Event{ID: "2-0", Type: "order", Key: "k", Topic: "a", Data: "one\ntwo", Traceparent: "00-1"}); events[0] != want {
		t.Errorf("got %+v", events[0])
	}
	gap := client.Gap{Topic: "a", After: "1-0", Oldest: "8-0", Head: "9-0", Reason: "expired"}
	if e := events[1]; e.Type != "stream.gap" || *e.Gap != gap || *d.all(client.Gapped)[0].Gap != gap {
		t.Errorf("got %+v", e)
	}
}

// Catching up lasts until all that there was at the handshake has been taken.
func TestCatchingUp(t *testing.T) {
	events := func(o *client.Options) { o.Topics = []string{"a", "b"} }
	_, _, d := play(t, events, 4, openTwo("a@1-0,b@5-0", "1-0", "3-0", "5-0", "6-0")+
		event("a@2-0,b@5-0", "x")+event("a@2-0,b@6-0", "y")+event("a@3-0,b@6-0", "z")+event("a@4-0,b@6-0", "new"))
	if got := d.phases(); got != "connecting open catching_up live closed" {
		t.Errorf("went through %s", got)
	}
	_, _, d = play(t, func(*client.Options) {}, 2, opening("1-0", "6-0")+gapEvent("a", "6-0", "expired")+event("7-0", "new"))
	if got := d.phases(); got != "connecting open catching_up gap live closed" {
		t.Errorf("through a gap it went %s", got)
	}
}

// The event at which a loop is left has not been taken; all before it have.
func TestPositionsAreKept(t *testing.T) {
	file := client.File(t.TempDir() + "/position")
	use := func(o *client.Options) { o.Positions, o.LastEventID = file, "0" }
	_, presented, _ := play(t, use, 3, opening("0-0", "3-0")+event("1-0", "x")+event("2-0", "y")+event("3-0", "z"))
	if presented[0] != "0" {
		t.Errorf("presented %q", presented)
	}
	events, presented, _ := play(t, use, 1, opening("2-0", "3-0")+event("3-0", "z"))
	if presented[0] != "2-0" || summary(events) != "a=z:3-0" {
		t.Errorf("presented %q, got %s", presented, summary(events))
	}
}

// A loop that panics leaves the position at what it took before, and nothing
// running.
func TestPanicInTheLoop(t *testing.T) {
	file := client.File(t.TempDir() + "/position")
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
			streaming(w, opening("1-0", "1-0"), event("2-0", "x"), event("3-0", "y"))
			<-r.Context().Done()
		})
		defer hub.stop()
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
			if id, err := file.Load(t.Context()); id != "2-0" || err != nil {
				t.Errorf("saved %q, %v", id, err)
			}
		}()
		o := hub.options(d)
		o.Positions = file
		for e := range client.Subscribe(t.Context(), o) {
			if e.ID == "3-0" {
				panic("the caller's")
			}
		}
	})
}

// Positions are saved once a second while events come, after a second of rest,
// and at a break; what fails is reported and tried again.
func TestWhenPositionsAreSaved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
			streaming(w, opening("1-0", "1-0"))
			for i := range 20 { // two seconds
				streaming(w, event(fmt.Sprintf("%d-0", i+2), "x"))
				time.Sleep(100 * time.Millisecond)
			}
			time.Sleep(30 * time.Second)
			streaming(w, event("30-0", "x"))
			<-r.Context().Done()
		})
		defer hub.stop()
		kept := &recorded{failing: 2}
		o := hub.options(d)
		o.Positions = kept
		if _, err := collect(t.Context(), o, 21); err != nil {
			t.Fatal(err)
		}
		if len(kept.saved) > 4 || kept.saved[len(kept.saved)-1] != "21-0" || len(d.all(client.Unsaved)) != 2 {
			t.Errorf("saved %v, went through %s", kept.saved, d.phases())
		}
		if last := kept.at[len(kept.at)-1].Sub(d.start); last > 4*time.Second {
			t.Errorf("the position after the last of many events was saved after %v", last)
		}
	})
}

type recorded struct {
	failing int
	saved   []string
	at      []time.Time
}

func (r *recorded) Load(context.Context) (string, error) { return "", nil }

func (r *recorded) Save(_ context.Context, id string) error {
	if r.failing > 0 {
		r.failing--
		return errors.New("disk full")
	}
	r.saved, r.at = append(r.saved, id), append(r.at, time.Now())
	return nil
}
