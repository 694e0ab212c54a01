package eventlog

import (
	"sort"

	"github.com/sluice-stream/sluice/services/wire"
)

// View is what of a topic is in memory at one moment. It is a value: taking
// one copies a few words under the topic's lock, reading it takes no lock.
// Hold it for one sweep, not longer: it keeps evicted blocks from being freed.
type View struct {
	Head    ID     // position of the last event
	Trimmed ID     // everything at or below is gone
	Born    ID     // what the topic began above
	Number  uint64 // of the last event in its topic

	blocks []*Block // rising; the last one may still grow
	marks  []mark   // of the last block, as they were when the view was taken
}

// Where says where a cursor stands in a view.
type Where int

const (
	// AtHead: there is nothing after the cursor yet.
	AtHead Where = iota
	// Resident: the events after the cursor are in memory.
	Resident
	// Elsewhere: they must be fetched with [Log.Fetch], or are gone.
	Elsewhere
)

// Cursor is a position in a topic: everything at or below At has been read.
// The position is all there is to it.
type Cursor struct {
	Topic *Topic
	At    ID
}

// Span is a run of whole events in one block.
type Span struct {
	Block    *Block
	From, To uint32 // offsets of its bytes in the block
	Last     ID     // id of its last event
	Events   int
	Number   uint64 // of its first event in the topic; 0: unknown
	marks    []mark
}

// Bytes returns the span as it goes over the wire to a reader of one topic.
func (s Span) Bytes() []byte { return s.Block.Bytes(s.From, s.To) }

// Each calls f for the events of the span, until it returns false, with their
// lines: all of the body but the blank line, and without the id line.
func (s Span) Each(f func(id ID, fields []byte) bool) {
	from := s.From
	for i := range s.marks {
		m := &s.marks[i]
		if !f(m.id, wire.FieldsOf(s.Block.Bytes(from, m.end), m.id)) {
			return
		}
		from = m.end
	}
}

// Next returns the events after the cursor that are in the view: whole
// events of one block, at most limit bytes unless the first alone is larger.
// It does not move the cursor.
func (c *Cursor) Next(v *View, limit int) (Span, Where) {
	at := v.start(c.At)
	if !at.Less(v.Head) {
		return Span{}, AtHead
	}
	if at.Less(v.Trimmed) {
		return Span{}, Elsewhere
	}
	b, marks := v.find(at)
	if b == nil {
		return Span{}, Elsewhere
	}
	return span(b, marks, at, limit), Resident
}

// Behind reports whether there is something after the cursor.
func (c *Cursor) Behind(v *View) bool { return v.start(c.At).Less(v.Head) }

// start returns the position that a cursor really stands at: the zero ID is
// before everything that this life of the topic has had.
func (v *View) start(at ID) ID {
	if at.IsZero() {
		return v.Born
	}
	return at
}

// NextIn is Next within a single block that the reader has pinned. It answers
// Elsewhere where the block does not hold what follows the cursor; one that
// has read nothing was given the block that it begins with.
func (c *Cursor) NextIn(b *Block, limit int) (Span, Where) {
	if c.At.Less(b.prev) && !c.At.IsZero() || !c.At.Less(b.last()) {
		return Span{}, Elsewhere
	}
	return span(b, b.marks, c.At, limit), Resident
}

// find returns the block whose run continues id, with its marks.
func (v *View) find(id ID) (*Block, []mark) {
	n := len(v.blocks)
	if n == 0 {
		return nil, nil
	}
	if last := v.blocks[n-1]; !id.Less(last.prev) {
		if !id.Less(v.marks[len(v.marks)-1].id) {
			return nil, nil // a fetched page, which may end below the head
		}
		return last, v.marks
	}
	i := sort.Search(n-1, func(i int) bool { return id.Less(v.blocks[i].prev) }) - 1
	if i < 0 || !id.Less(v.blocks[i].last()) {
		return nil, nil
	}
	return v.blocks[i], v.blocks[i].marks
}

// span cuts a run of events after id, of at most limit bytes.
func span(b *Block, marks []mark, id ID, limit int) Span {
	i := after(marks, id)
	from := uint32(0)
	if i > 0 {
		from = marks[i-1].end
	}
	n := sort.Search(len(marks)-i, func(k int) bool { return int(marks[i+k].end-from) > limit })
	n = max(n, 1)
	m := marks[i : i+n]
	s := Span{Block: b, From: from, To: m[n-1].end, Last: m[n-1].id, Events: n, marks: m}
	if b.number > 0 {
		s.Number = b.number + uint64(i)
	}
	return s
}
