package sockets

// wheel is a timing wheel: it calls back connections about when they are due
// and costs nothing in between, neither a timer for each nor work when they
// are written to. (Varghese and Lauck, Hashed and Hierarchical Timing Wheels,
// SOSP 1987; this is the simple one.) Times are milliseconds.
type wheel struct {
	slots [wheelSlots]*wheelEntry
	count int
	tick  int64 // the last tick that was served
}

const (
	wheelSlots = 256
	wheelTick  = 100 // milliseconds
)

// wheelEntry is a place in a wheel.
type wheelEntry struct {
	next, prev *wheelEntry
	due        int64 // 0: it is in no wheel
	slot       uint8
	owner      *Conn
}

// add makes an entry due at a time. What is further ahead than the wheel is
// wide comes up early and must be added again.
func (w *wheel) add(e *wheelEntry, due int64) {
	w.remove(e)
	tick := min(max(due/wheelTick+1, w.tick+1), w.tick+wheelSlots-1)
	e.due, e.slot = max(due, 1), uint8(tick%wheelSlots)
	first := w.slots[e.slot]
	e.next, e.prev = first, nil
	if first != nil {
		first.prev = e
	}
	w.slots[e.slot] = e
	w.count++
}

func (w *wheel) remove(e *wheelEntry) {
	if e.due == 0 {
		return
	}
	if e.prev != nil {
		e.prev.next = e.next
	} else {
		w.slots[e.slot] = e.next
	}
	if e.next != nil {
		e.next.prev = e.prev
	}
	e.next, e.prev, e.due = nil, nil, 0
	w.count--
}

// advance takes out what has come up until now and calls back for each, which
// may add it again.
func (w *wheel) advance(now int64, f func(*Conn)) {
	until := now / wheelTick
	if until-w.tick > wheelSlots {
		w.tick = until - wheelSlots
	}
	for w.tick < until {
		w.tick++
		for w.slots[w.tick%wheelSlots] != nil {
			e := w.slots[w.tick%wheelSlots]
			w.remove(e)
			f(e.owner)
		}
	}
}

// wait returns how long nothing can come up.
func (w *wheel) wait(now int64) int64 {
	if w.count == 0 {
		return 1 << 30
	}
	for tick := w.tick + 1; tick < w.tick+wheelSlots; tick++ {
		if w.slots[tick%wheelSlots] != nil {
			return max(tick*wheelTick-now, 1)
		}
	}
	return wheelTick
}
