package account

import "slices"

// Verdict is what one event is to its reader.
type Verdict uint8

// The verdicts.
const (
	New      Verdict = iota
	Doubled          // it was there already
	Disorder         // it comes after one that it should have come before
)

// ID is the place of an event in its topic's log, as far as the server gives
// one that can be read: milliseconds and a number. They rise.
type ID struct{ MS, Seq uint64 }

// Topic is what one stream has had of one topic. Not safe for concurrent use.
type Topic struct {
	next  []uint32 // by lane: the number that should come
	holes []hole   // passed over so far, rising in nothing
	last  ID
	// unsure are the lanes of which nothing has come since a gap was told: what is
	// missing there is told of. nil: there was no gap.
	unsure []bool
}

type hole struct {
	lane     uint32
	from, to uint32 // both missing
	told     bool
}

// NewTopic returns a reader's account of a topic with so many lanes, of which
// it is to have everything.
func NewTopic(lanes int) Topic {
	t := Topic{next: make([]uint32, lanes)}
	for i := range t.next {
		t.next[i] = 1
	}
	return t
}

// Take takes an event up. id is zero where it cannot be read.
func (t *Topic) Take(lane, seq uint32, id ID) Verdict {
	forward := t.forward(id)
	if next := t.next[lane]; seq == next && t.unsure == nil {
		t.next[lane]++
		if !forward {
			return Disorder
		}
		return New
	}
	return t.odd(lane, seq, forward)
}

// forward reports whether an id is above all before it.
func (t *Topic) forward(id ID) bool {
	if id == (ID{}) {
		return true
	}
	if id.MS < t.last.MS || id.MS == t.last.MS && id.Seq <= t.last.Seq {
		return false
	}
	t.last = id
	return true
}

// odd takes up an event that is not simply the next.
func (t *Topic) odd(lane, seq uint32, forward bool) Verdict {
	next := t.next[lane]
	if seq < next {
		if t.fill(lane, seq) {
			return Disorder
		}
		return Doubled
	}
	told := false
	if t.unsure != nil {
		told, t.unsure[lane] = t.unsure[lane], false
	}
	if seq > next {
		t.holes = append(t.holes, hole{lane, next, seq - 1, told})
	}
	t.next[lane] = seq + 1
	if !forward {
		return Disorder
	}
	return New
}

// fill takes a number out of the holes, and reports whether it was in one.
func (t *Topic) fill(lane, seq uint32) bool {
	for i := range t.holes {
		h := &t.holes[i]
		if h.lane != lane || seq < h.from || seq > h.to {
			continue
		}
		after := hole{lane, seq + 1, h.to, h.told}
		h.to = seq - 1
		if h.to < h.from {
			t.holes = slices.Delete(t.holes, i, i+1)
		}
		if after.from <= after.to {
			t.holes = append(t.holes, after)
		}
		return true
	}
	return false
}

// Gap notes that the server has told of events that are gone.
func (t *Topic) Gap() {
	if t.unsure == nil {
		t.unsure = make([]bool, len(t.next))
	}
	for i := range t.unsure {
		t.unsure[i] = true
	}
}

// Rewound notes that ids begin anew, as after a loss behind the server's back
// that it told of.
func (t *Topic) Rewound() { t.last = ID{} }

// Lane is what its publisher knows of a lane.
type Lane struct {
	Last uint32 // the highest number that is in the log
	// Refused are the numbers up to Last that are not there, rising.
	Refused []uint32
	// Doubt is the highest number of which nobody knows, as no answer came: those
	// above Last up to it may be there or not.
	Doubt uint32
}

// accepted returns how many of the numbers from one to another, both included,
// are in the log for certain.
func (l *Lane) accepted(from, to uint32) uint64 {
	if to > l.Last {
		to = l.Last
	}
	if from > to {
		return 0
	}
	return uint64(to-from+1) - l.refused(from, to)
}

// refused returns how many of the numbers from one to another are not there.
func (l *Lane) refused(from, to uint32) uint64 {
	a, _ := slices.BinarySearch(l.Refused, from)
	b, there := slices.BinarySearch(l.Refused, to)
	if there {
		b++
	}
	return uint64(max(b-a, 0))
}

// Totals are the sum of readers' accounts. Due = Delivered + Told + Behind + Slow +
// Lost.
type Totals struct {
	Due       uint64
	Delivered uint64 // each event once
	Told      uint64 // gone, and said to be
	Behind    uint64 // has not come yet
	Slow      uint64 // likewise, to streams that are slow on purpose
	Lost      uint64
	Extra     uint64 // came although it was refused, or nobody published it
}

// Add adds other readers'.
func (t *Totals) Add(o Totals) {
	t.Due += o.Due
	t.Delivered += o.Delivered
	t.Told += o.Told
	t.Behind += o.Behind
	t.Slow += o.Slow
	t.Lost += o.Lost
	t.Extra += o.Extra
}

// Sum holds a reader's account of a topic against what was published to it.
func (t *Topic) Sum(lanes []Lane) (s Totals) {
	for i := range t.next {
		l := &lanes[i]
		past := t.next[i] - 1
		s.Due += l.accepted(1, l.Last)
		came := l.accepted(1, past)
		s.Extra += uint64(past-min(past, max(l.Last, l.Doubt))) + l.refused(1, past)
		tail := l.accepted(past+1, l.Last)
		if t.unsure != nil && t.unsure[i] {
			s.Told += tail
		} else {
			s.Behind += tail
		}
		s.Delivered += came
	}
	for _, h := range t.holes {
		missing := lanes[h.lane].accepted(h.from, h.to)
		s.Extra -= lanes[h.lane].refused(h.from, h.to)
		s.Delivered -= missing
		if h.told {
			s.Told += missing
		} else {
			s.Lost += missing
		}
	}
	return s
}
