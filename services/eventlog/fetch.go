package eventlog

import (
	"bytes"
	"context"
	"fmt"

	"github.com/sluice-stream/sluice/services/wire"
)

// pageBytes is how much one fetch reads, unless a single event is larger.
const pageBytes = 128 << 10

// Fetch reads what follows a cursor that stands [Elsewhere] from the store,
// makes it resident and returns it pinned; the caller unpins it. It returns
// nil when the events have become resident otherwise: take a new view. It
// may block on the store, and answers a *GapError with the position to go on
// from where events are gone.
func (l *Log) Fetch(ctx context.Context, c Cursor) (*Block, error) {
	t := c.Topic
	select {
	case t.fetching <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-t.fetching }()
	v := t.View()
	if _, where := c.Next(&v, 1); where != Elsewhere {
		l.shared.Add(1)
		return nil, nil
	}
	at := v.start(c.At)
	if at.Less(v.Trimmed) {
		return nil, &GapError{t.name, c.At, v.Trimmed, Expired}
	}
	until, first := v.nextResident(at)
	b, err := l.readPage(ctx, t, at, until)
	if err == nil && b == nil && until.Less(first) {
		// The block begins at a position between two events, where some reader
		// came in: nothing is missing. Its first event is read once more.
		until = first
		b, err = l.readPage(ctx, t, at, until)
	}
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, &GapError{t.name, c.At, until, Damaged}
	}
	b.Pin()
	t.insert(b)
	l.touch(t)
	l.evict()
	return b, nil
}

// nextResident returns the position where the first resident block behind id
// begins, and its first event; or the head for both.
func (v *View) nextResident(id ID) (prev, first ID) {
	for i, b := range v.blocks {
		if !id.Less(b.prev) {
			continue
		}
		if i == len(v.blocks)-1 {
			return b.prev, v.marks[0].id
		}
		return b.prev, b.first()
	}
	return v.Head, v.Head
}

// readPage reads one page; nil where the store visited nothing.
func (l *Log) readPage(ctx context.Context, t *Topic, after, until ID) (*Block, error) {
	var b *Block
	last := after
	var broken error
	var body []byte
	err := l.store.Read(ctx, t.name, after, until, func(e Event) bool {
		if !last.Less(e.ID) || until.Less(e.ID) {
			broken = fmt.Errorf("%w: read %v after %v through %v", ErrStoreFailed, e.ID, last, until)
			return false
		}
		body = e.AppendBody(body[:0])
		need := wire.IDLineLen(e.ID) + len(body)
		if b == nil {
			b = newBlock(&l.budget, after, max(pageBytes, need))
			b.fetched, b.number = true, e.Number
		} else if !b.room(need) {
			return false
		}
		last = e.ID
		b.add(e.ID, body, 0)
		return true
	})
	if err == nil {
		err = broken
	}
	if err != nil || b == nil {
		return nil, err
	}
	b.fit()
	return b, nil
}

// fit gives back what a block that nothing will be added to does not use.
func (b *Block) fit() {
	if len(b.buf) < cap(b.buf)*3/4 {
		b.memory = bytes.Clone(b.buf)
		b.buf = b.memory
	}
	b.size = int64(cap(b.buf)) + int64(cap(b.marks))*markSize + blockSize
}
