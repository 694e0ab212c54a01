package client

import (
	"context"
	"sync"

	"github.com/sluice-stream/sluice/services/wire"
)

// item is a message of the stream, or its end.
type item struct {
	wire.Message
	last lastID
	open *wire.Open // read; nil for all but stream.open
	end  *ending
}

// perItem is about what a message costs beside its text.
const perItem = 128

func (i *item) size() int { return perItem + len(i.ID) + len(i.Key) + len(i.Data) + len(i.Traceparent) }

// queue is what was read and not yet taken, in bounds.
type queue struct {
	more chan struct{} // 1: there may be something
	room chan struct{} // 1: there may be room

	mu    sync.Mutex
	items []item
	bytes int
	limit int
}

func newQueue(limit int) *queue {
	return &queue{more: make(chan struct{}, 1), room: make(chan struct{}, 1), limit: limit}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// put adds an item, and answers false where it would go beyond the limit. One
// item always fits, and so does the end.
func (q *queue) put(i item) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes+i.size() > q.limit && len(q.items) > 0 && i.end == nil {
		return false
	}
	q.items = append(q.items, i)
	q.bytes += i.size()
	signal(q.more)
	return true
}

// await waits for room.
func (q *queue) await(ctx context.Context) bool {
	select {
	case <-q.room:
		return true
	case <-ctx.Done():
		return false
	}
}

// take removes the first item.
func (q *queue) take() (i item, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return i, false
	}
	i = q.items[0]
	q.items[0] = item{} // not to keep its text
	q.items = q.items[1:]
	q.bytes -= i.size()
	signal(q.room)
	return i, true
}
