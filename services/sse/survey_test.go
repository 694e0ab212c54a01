package sse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// TestSurvey: who is behind, by how much and where, and who is not.
func TestSurvey(t *testing.T) {
	t.Parallel()
	for name, o := range drivers {
		t.Run(name, func(t *testing.T) {
			f := serve(t, o)
			fine := f.follow(t, "topic=a&topic=b", "")
			fine.next()
			stuck := f.follow(t, "topic=b", "")
			stuck.next()
			go func() { // reads all along
				for {
					if _, err := fine.Next(); err != nil {
						return
					}
				}
			}()
			ids := f.publishN("b", 40, 250<<10) // more than sockets and HTTP/2 windows hold
			var states []sse.ConnState
			// On a busy machine an event may be late before a write of it is stuck.
			await(t, "one to be behind, and stuck", func() bool {
				states, _ = f.h.Connections("", 10)
				return len(states) == 2 && states[0].Lag.Behind() && states[0].Stalled >= time.Second/2 && states[1].Lag.Events == 0
			})
			worst := states[0]
			if len(worst.Topics) != 1 || worst.Topics[0] != "b" || worst.Release != "stable" || worst.ID == "" || worst.Remote == "" {
				t.Errorf("%+v", worst.Conn)
			}
			if worst.Lag.Bytes < 250<<10 || worst.Lag.Bytes > 40*251<<10 || worst.Lag.More {
				t.Errorf("stalled %v, lag %+v", worst.Stalled, worst.Lag)
			}
			at, err := wire.ParseID(worst.Position)
			if rest := f.after("b", at); err != nil || len(rest) != worst.Lag.Events || uint64(40-len(rest)) < worst.Sent.Events {
				t.Errorf("at %q with %+v, sent %+v", worst.Position, worst.Lag, worst.Sent)
			}
			if p := states[1].Position; !strings.HasPrefix(p, "a@") || !strings.HasSuffix(p, ",b@"+ids[39].String()) {
				t.Errorf("the other is at %s", p)
			}
			if b, by := f.h.Behind(); b.Connections != 1 || b.Bytes < worst.Lag.Bytes/2 || len(by) != 1 || by[worst.Topics[0]] != b {
				t.Errorf("%+v", b)
			}
			if list, total := f.h.Connections("a", 10); total != 1 || len(list) != 1 || len(list[0].Topics) != 2 {
				t.Errorf("on topic a: %d %+v", total, list)
			}
			if list, total := f.h.Connections("", 1); total != 2 || len(list) != 1 || list[0].ID != worst.ID {
				t.Errorf("the worst: %d %+v", total, list)
			}
			stuck.hangUp()
			fine.hangUp()
			await(t, "both to leave", func() bool { return f.h.Stats().Connections == 0 })
			if list, total := f.h.Connections("", 10); total != 0 || len(list) != 0 {
				t.Errorf("gone: %d %+v", total, list)
			}
		})
	}
}

// TestOwnTopics: what a server says of itself is delivered and counts for
// nothing.
func TestOwnTopics(t *testing.T) {
	for name, o := range drivers {
		t.Run(name, func(t *testing.T) {
			own, err := eventlog.Open(eventlog.Memory(eventlog.MemoryOptions{}), eventlog.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { own.Close() })
			o.handler = &sse.Handler{Own: own}
			f := serve(t, o)
			said := newLedger(t, own)
			alone, both := f.follow(t, "topic=hub.stats", ""), f.follow(t, "topic=a&topic=hub.stats", "")
			alone.next()
			both.next()
			said.publish("hub.stats", "1")
			f.publish("a", "2")
			if m := alone.next(); m.Data != "hub.stats 1" {
				t.Errorf("%+v", m)
			}
			if a, b := both.next().Data, both.next().Data; a+b != "hub.stats 1a 2" && a+b != "a 2hub.stats 1" {
				t.Errorf("%s, %s", a, b)
			}
			await(t, "the count", func() bool { return f.h.Stats().Sent.Events == 1 })
			alone.hangUp()
			both.hangUp()
			f.observer.wait(t, "the ends", func() bool { return len(f.observer.ends) == 2 })
			if e := f.observer.all(); e[0].sent.Events+e[1].sent.Events != 1 {
				t.Errorf("%+v", e)
			}
			if n := len(f.log.Topics()); n != 1 {
				t.Errorf("%d topics in the log", n)
			}
		})
	}
}
