package eventlog

import (
	"slices"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// append adds the event of a number to the last block, or to a new one. t.mu is held.
func (t *Topic) append(id ID, number uint64, body []byte, at moment) {
	need := wire.IDLineLen(id) + len(body)
	var b *Block
	if n := len(t.blocks); n > 0 && t.open && t.blocks[n-1].room(need) {
		b = t.blocks[n-1]
	} else {
		b = t.newTail(need)
		b.number = number
	}
	grown := b.add(id, body, at)
	t.bytes += grown
	t.log.budget.used.Add(grown)
}

// Sizes of the tail's blocks: small topics stay small, busy ones get blocks
// that a sweep rarely crosses.
const (
	minBlock = 1 << 10
	maxBlock = 256 << 10
)

func (t *Topic) newTail(need int) *Block {
	size := minBlock
	if n := len(t.blocks); n > 0 {
		size = min(max(2*cap(t.blocks[n-1].buf), minBlock), maxBlock)
	}
	if limit := t.log.topicLimit; limit > 0 { // or a new block would push out all others
		size = min(size, max(int(limit/8), minBlock))
	}
	b := newBlock(&t.log.budget, t.state.Last, max(size, need))
	b.Pin()
	t.bytes += b.size
	t.blocks = append(t.blocks[:len(t.blocks):len(t.blocks)], b)
	t.open = true
	for t.log.topicLimit > 0 && t.bytes > t.log.topicLimit && len(t.blocks) > 1 {
		t.evict(t.longestResident(len(t.blocks) - 1))
	}
	return b
}

// insert makes a fetched block resident at its place. It must continue the
// position it was fetched for and end at or before the next resident block.
func (t *Topic) insert(b *Block) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, _ := slices.BinarySearchFunc(t.blocks, b.prev, func(x *Block, id ID) int { return x.prev.Compare(id) })
	if i > 0 && b.prev.Less(t.blocks[i-1].last()) || i < len(t.blocks) && t.blocks[i].prev.Less(b.last()) {
		return // the tail has moved; the reader has the block anyway
	}
	if i == len(t.blocks) {
		t.open = false
	}
	b.Pin()
	t.bytes += b.size
	t.blocks = slices.Insert(slices.Clone(t.blocks), i, b)
	for t.log.topicLimit > 0 && t.bytes > t.log.topicLimit && len(t.blocks) > 2 {
		t.evict(t.longestResident(len(t.blocks) - 1))
	}
}

// longestResident returns which of the first n blocks has been in memory
// longest, so that pages just fetched for readers far back stay a while.
func (t *Topic) longestResident(n int) int {
	oldest := 0
	for i := 1; i < n; i++ {
		if t.blocks[i].born < t.blocks[oldest].born {
			oldest = i
		}
	}
	return oldest
}

// evict takes block i out of memory. Without a store behind it its events are
// gone. t.mu is held.
func (t *Topic) evict(i int) {
	b := t.blocks[i]
	if i == len(t.blocks)-1 {
		t.open = false
	}
	t.blocks = slices.Delete(slices.Clone(t.blocks), i, i+1)
	t.bytes -= b.size
	if !t.log.deep {
		t.trimWhile(b, func(mark) bool { return true })
	}
	b.evicted.Store(true)
	b.Unpin()
}

// dropOne evicts the block that has been resident longest, and reports
// whether there was one.
func (t *Topic) dropOne() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.blocks) == 0 {
		return false
	}
	t.evict(t.longestResident(len(t.blocks)))
	return true
}

// trimmed takes over the state that the store reports after retention, and
// evicts what is wholly gone.
func (t *Topic) trimmed(s State) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.state = s
	t.dropTrimmed()
}

// retain applies retention to a topic that has no store behind it.
func (t *Topic) retain(r Retention, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	oldest := uint64(0)
	if r.Age > 0 {
		oldest = uint64(max(now.Add(-r.Age).UnixMilli(), 0))
	}
	gone := func(m mark) bool {
		return m.id.MS < oldest ||
			r.Events > 0 && t.state.Events > r.Events ||
			r.Bytes > 0 && t.state.Bytes > r.Bytes
	}
	for _, b := range t.blocks {
		if !t.trimWhile(b, gone) {
			break
		}
	}
	t.dropTrimmed()
}

// dropTrimmed evicts the blocks that are wholly gone. t.mu is held.
func (t *Topic) dropTrimmed() {
	for len(t.blocks) > 0 && !t.state.Trimmed.Less(t.blocks[0].last()) {
		t.evict(0)
	}
}

// trimWhile takes the oldest events, as far as they are in b, out of the
// state of a topic that has no store behind it, and reports whether all of
// them were taken. t.mu is held.
func (t *Topic) trimWhile(b *Block, gone func(mark) bool) bool {
	for i := after(b.marks, t.state.Trimmed); i < len(b.marks); i++ {
		m := b.marks[i]
		if !gone(m) {
			t.state.Oldest = m.id
			return false
		}
		from := uint32(0)
		if i > 0 {
			from = b.marks[i-1].end
		}
		t.state.Events--
		t.state.Bytes -= int64(m.end-from) - int64(wire.IDLineLen(m.id))
		t.state.Trimmed = m.id
		t.state.Oldest = ID{}
	}
	if t.state.Events > 0 {
		t.state.Oldest = t.firstAfter(t.state.Trimmed)
	}
	return true
}

// firstAfter returns the first resident id above id. t.mu is held.
func (t *Topic) firstAfter(id ID) ID {
	for _, b := range t.blocks {
		if i := after(b.marks, id); i < len(b.marks) {
			return b.marks[i].id
		}
	}
	return ID{}
}
