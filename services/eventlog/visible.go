package eventlog

import (
	"sort"
	"time"
)

// Visible is an event as readers see it.
type Visible struct {
	ID   ID
	Wire []byte // as it goes to a reader of one topic: its lines, the id line last, and the blank line

	at moment
}

// moment is when an event became visible, in microseconds since its Log was
// opened, modulo 2^32: some 71 minutes. 0: unknown, since the event was read
// back from the store.
type moment uint32

// longestMoment is up to which age a moment is told from one of an hour ago.
const longestMoment = 30 * time.Minute

func (l *Log) moment(now time.Time) moment {
	return max(moment(uint64(now.Sub(l.opened).Microseconds())), 1)
}

// Age returns how long ago an event became visible to readers, to the
// microsecond and independent of steps of the clock. Of one that was read back
// from the store, or that is older than half an hour, it is the time since the
// milliseconds of its id, by the clock.
func (l *Log) Age(v Visible, now time.Time) time.Duration {
	age := max(now.Sub(time.UnixMilli(int64(v.ID.MS))), 0)
	if v.at == 0 || age > longestMoment {
		return age
	}
	return time.Duration(uint32(l.moment(now)-v.at)) * time.Microsecond
}

// Each calls f for the events of the view that are in memory, after one
// position and up to another, rising, until f returns false.
func (v *View) Each(after, through ID, f func(Visible) bool) {
	i := sort.Search(len(v.blocks), func(i int) bool { return after.Less(v.blocks[i].prev) })
	for i = max(i-1, 0); i < len(v.blocks); i++ {
		b, marks := v.blocks[i], v.marks // of the last block, which may be growing
		if i < len(v.blocks)-1 {
			marks = b.marks
		}
		if !eachOf(b, marks, after, through, f) {
			return
		}
	}
}

// eachOf calls f for events of one block, and reports whether to go on.
func eachOf(b *Block, marks []mark, past, through ID, f func(Visible) bool) bool {
	for k := after(marks, past); k < len(marks); k++ {
		if through.Less(marks[k].id) || !f(visible(b, marks, k)) {
			return false
		}
	}
	return true
}

// Event returns event i of the span, from 0.
func (s Span) Event(i int) Visible {
	v := visible(s.Block, s.marks, i)
	if i == 0 {
		v.Wire = s.Block.Bytes(s.From, s.marks[0].end)
	}
	return v
}

// Size returns the bytes of the first n events of the span.
func (s Span) Size(n int) uint32 { return s.marks[n-1].end - s.From }

func visible(b *Block, marks []mark, i int) Visible {
	from := uint32(0)
	if i > 0 {
		from = marks[i-1].end
	}
	return Visible{ID: marks[i].id, Wire: b.Bytes(from, marks[i].end), at: marks[i].at}
}
