package sockets

import (
	"testing"

	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// TestLateReport: a report about a socket that is gone is not taken for one
// about the connection that has its place now.
func TestLateReport(t *testing.T) {
	log := quietLog(t)
	l := handLoop(log)
	var first, second leaver
	open := func(x *leaver) *Conn {
		c, _ := l.open(t, log, x, "a")
		c.Serve()
		l.handPass()
		return c
	}
	old := open(&first)
	name := old.slot
	l.reported([]Ready{{Name: name, HungUp: true}})
	l.handPass()
	if first.left.Load() != 1 || first.reason != stream.Client {
		t.Fatalf("%d ends: %s", first.left.Load(), first.reason)
	}
	c := open(&second)
	if c.slot.Index != name.Index || c.slot == name {
		t.Fatalf("the place of %+v went to %+v: this test wants it to be used again", name, c.slot)
	}
	l.reported([]Ready{{Name: name, HungUp: true}, {Name: name, Writable: true}})
	l.handPass()
	if second.left.Load() != 0 {
		t.Fatalf("closed for another's hang-up: %s", second.reason)
	}
	l.reported([]Ready{{Name: c.slot, HungUp: true}})
	l.handPass()
	if first.left.Load() != 1 || second.left.Load() != 1 {
		t.Errorf("%d and %d ends", first.left.Load(), second.left.Load())
	}
}
