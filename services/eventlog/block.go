package eventlog

import (
	"slices"
	"sort"
	"sync/atomic"

	"github.com/sluice-stream/sluice/services/wire"
)

// mark is the index entry of one event in a block.
type mark struct {
	id  ID
	end uint32 // offset behind the event's last byte
	at  moment // in what is room enough anyway
}

// What the account has of a block beside its bytes.
const (
	markSize  = 24
	blockSize = 144 // of the allocator, for a Block
)

// Block is a run of consecutive events of one topic as wire-ready bytes, each
// the lines of its body and then its id line. What a reader has been shown of
// a block never changes, so it is read without a lock.
type Block struct {
	account *budget
	refs    atomic.Int32 // the topic's own and the readers' pins; at 0 it leaves the account
	size    int64        // bytes in the account; fixed once the block is evicted
	evicted atomic.Bool
	born    uint64 // order in which blocks became resident
	fetched bool   // it was read from the store
	memory  []byte // all of what buf grows into, so that reading it takes no lock

	// Guarded by the topic's mutex while the block is its last; else fixed.
	number uint64 // of the first event in its topic; 0: unknown
	prev   ID     // nothing is missing between this position and the first event
	buf    []byte // the capacity is fixed, so appending never moves it
	marks  []mark
}

// newBlock makes an empty block for at least so many bytes: as many as the
// allocator would spend on them, so that the account has what is really taken.
func newBlock(account *budget, prev ID, capacity int) *Block {
	memory := slices.Grow([]byte(nil), capacity)
	memory = memory[:cap(memory)]
	return &Block{
		account: account,
		born:    account.births.Add(1),
		memory:  memory,
		prev:    prev,
		buf:     memory[:0],
		size:    int64(len(memory)) + blockSize,
	}
}

// NewPrivate returns a block that holds bytes of one reader only, pinned and
// in the log's account until it is released. The bytes are copied.
func (l *Log) NewPrivate(p []byte) *Block {
	b := newBlock(&l.budget, ID{}, len(p))
	b.buf = append(b.buf, p...)
	b.evicted.Store(true)
	b.Pin()
	return b
}

// room reports whether an event of n bytes fits. A first event always does:
// blocks are made for it.
func (b *Block) room(n int) bool { return cap(b.buf)-len(b.buf) >= n }

// add appends an event by its body, and returns by how much the block's
// account grew.
func (b *Block) add(id ID, body []byte, at moment) int64 {
	b.buf = wire.AppendEvent(b.buf, body, id)
	before := cap(b.marks)
	b.marks = append(b.marks, mark{id, uint32(len(b.buf)), at})
	grown := int64(cap(b.marks)-before) * markSize
	b.size += grown
	return grown
}

// Pin keeps the block in the account while a reader needs its bytes.
func (b *Block) Pin() {
	if b.refs.Add(1) == 1 {
		b.account.used.Add(b.size)
	}
}

// Unpin ends what Pin began.
func (b *Block) Unpin() {
	if b.refs.Add(-1) == 0 {
		b.account.used.Add(-b.size)
	}
}

// Evicted reports whether only pins keep the block in the account.
func (b *Block) Evicted() bool { return b.evicted.Load() }

// Fetched reports whether the block was read from the store by [Log.Fetch].
func (b *Block) Fetched() bool { return b.fetched }

// Bytes returns the bytes between two offsets.
func (b *Block) Bytes(from, to uint32) []byte { return b.memory[from:to:to] }

// Len returns the number of bytes of a block that nothing is added to.
func (b *Block) Len() uint32 { return uint32(len(b.buf)) }

func (b *Block) first() ID { return b.marks[0].id }
func (b *Block) last() ID  { return b.marks[len(b.marks)-1].id }

// after returns the index of the first mark above id.
func after(marks []mark, id ID) int {
	return sort.Search(len(marks), func(i int) bool { return id.Less(marks[i].id) })
}

// budget is the account of the memory that resident blocks take.
type budget struct {
	limit  int64 // 0: none
	used   atomic.Int64
	births atomic.Uint64 // numbers blocks
}

func (b *budget) over() bool { return b.limit > 0 && b.used.Load() > b.limit }
