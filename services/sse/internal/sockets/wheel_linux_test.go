package sockets

import (
	"math/rand/v2"
	"testing"
)

// TestWheel: everything comes up once, not before it is due and at most a tick
// behind, whatever is removed around it.
func TestWheel(t *testing.T) {
	var w wheel
	const n, span = 500, (wheelSlots/2 - 2) * wheelTick
	conns := make([]Conn, n)
	due := map[*Conn]int64{}
	now := int64(0)
	add := func(c *Conn) {
		due[c] = now + rand.Int64N(span)
		c.timer.owner = c
		w.add(&c.timer, due[c])
	}
	for i := range conns {
		add(&conns[i])
	}
	for now < 10*span {
		step := rand.Int64N(3*wheelTick) + 1
		if wait := w.wait(now); rand.IntN(2) == 0 {
			for _, at := range due {
				if at > now && at < now+wait-wheelTick {
					t.Fatalf("at %d the wheel waits %d, something is due at %d", now, wait, at)
				}
			}
			step = min(wait, span)
		}
		now += step
		w.advance(now, func(c *Conn) {
			if due[c] > now {
				t.Fatalf("at %d came what is due at %d", now, due[c])
			}
			delete(due, c)
			if rand.IntN(2) == 0 {
				add(c)
			}
		})
		for c, at := range due {
			if at <= now-wheelTick {
				t.Fatalf("at %d what was due at %d has not come", now, at)
			}
			if rand.IntN(200) == 0 {
				w.remove(&c.timer)
				w.remove(&c.timer) // is no harm
				delete(due, c)
			}
		}
		for i := range conns {
			if _, in := due[&conns[i]]; !in && rand.IntN(20) == 0 {
				add(&conns[i])
			}
		}
		if w.count != len(due) {
			t.Fatalf("%d entries are counted, %d are in", w.count, len(due))
		}
	}
}

// TestWheelAfterSleep: a machine that slept finds all that is due.
func TestWheelAfterSleep(t *testing.T) {
	var w wheel
	conns := make([]Conn, wheelSlots)
	for i := range conns {
		conns[i].timer.owner = &conns[i]
		w.add(&conns[i].timer, int64(i*wheelTick))
	}
	came := map[*Conn]bool{}
	w.advance(1e9, func(c *Conn) { came[c] = true })
	if len(came) != len(conns) || w.count != 0 {
		t.Errorf("%d of %d came, %d are left", len(came), len(conns), w.count)
	}
}
