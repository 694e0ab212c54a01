// Package outbox is what stands between a service and a backend of telemetry:
// a bounded queue that never makes its writer wait. What it holds is bounded
// in items and in bytes; where it is full the oldest give way, counted, since
// what happened last is what somebody will look for. One goroutine sends, in
// order, and a backend that is slow, gone or hanging is felt by it alone.
package outbox

import (
	"context"
	"errors"
	"sync"
	"time"
)

// The reasons why items are dropped.
const (
	QueueFull   = "queue_full"  // the backend does not keep up
	Rejected    = "rejected"    // it does not want them
	Unavailable = "unavailable" // it could not be reached, or failed, until the tries were used up
	Shutdown    = "shutdown"    // there was no time left to send them
)

// ErrRejected: the backend does not want what it was sent, and another try
// would not change that.
var ErrRejected = errors.New("rejected")

// Options say what is queued and how it is sent. Send must be set.
type Options[T any] struct {
	Items int           // that wait at most; 0: 2048
	Bytes int           // of these together at most, by Size; 0: no bound
	Size  func(T) int   // bytes that an item takes; nil where Bytes is 0
	Batch int           // items that are sent at a time at most; 0: 512
	Every time.Duration // longest that an item waits for others to go with; 0: 1 s

	// Send sends a batch, which is its own, within the time of its context.
	// Where it overruns that, only the queue's own goroutine waits.
	Send    func(ctx context.Context, batch []T) error
	Timeout time.Duration // of a Send; 0: 5 s
	Tries   int           // of a batch, unless the error is ErrRejected; 0: 3
	Wait    time.Duration // before the second try, then twice as long each; 0: 500 ms

	Dropped func(reason string, items int) // may be nil; must not block
	Sent    func(items int)                // may be nil; must not block
}

// Outbox is a running queue. Its methods are safe for concurrent use.
type Outbox[T any] struct {
	o    Options[T]
	stop context.CancelFunc // ends the send under way
	done chan struct{}      // closed when nothing will be sent any more
	more chan struct{}      // one slot: there is a batch, or the queue was closed

	mu     sync.Mutex // held for a few memory accesses
	ring   []T
	head   int // of the oldest
	count  int
	bytes  int
	closed bool
}

// New starts a queue, which Close ends.
func New[T any](o Options[T]) *Outbox[T] {
	o.Items, o.Batch, o.Tries = or(o.Items, 2048), or(o.Batch, 512), or(o.Tries, 3)
	o.Every, o.Timeout, o.Wait = or(o.Every, time.Second), or(o.Timeout, 5*time.Second), or(o.Wait, 500*time.Millisecond)
	o.Batch = min(o.Batch, o.Items)
	q := &Outbox[T]{o: o, done: make(chan struct{}), more: make(chan struct{}, 1), ring: make([]T, o.Items)}
	ctx, cancel := context.WithCancel(context.Background())
	q.stop = cancel
	go q.run(ctx)
	return q
}

func or[T int | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// Put queues an item. It never waits.
func (q *Outbox[T]) Put(item T) {
	size := q.size(item)
	q.mu.Lock()
	reason, dropped := QueueFull, 0
	switch {
	case q.closed:
		reason, dropped = Shutdown, 1
	case q.o.Bytes > 0 && size > q.o.Bytes:
		dropped = 1
	default:
		for q.count == len(q.ring) || q.o.Bytes > 0 && q.bytes+size > q.o.Bytes {
			q.pop()
			dropped++
		}
		q.ring[(q.head+q.count)%len(q.ring)] = item
		q.count++
		q.bytes += size
	}
	full := q.count >= q.o.Batch
	q.mu.Unlock()
	if full {
		q.wake()
	}
	q.dropped(reason, dropped)
}

func (q *Outbox[T]) wake() {
	select {
	case q.more <- struct{}{}:
	default:
	}
}

func (q *Outbox[T]) size(item T) int {
	if q.o.Size == nil {
		return 0
	}
	return q.o.Size(item)
}

// pop takes the oldest. q.mu is held, and there is one.
func (q *Outbox[T]) pop() T {
	var none T
	item := q.ring[q.head]
	q.ring[q.head] = none
	q.head = (q.head + 1) % len(q.ring)
	q.count--
	q.bytes -= q.size(item)
	return item
}

func (q *Outbox[T]) dropped(reason string, items int) {
	if items > 0 && q.o.Dropped != nil {
		q.o.Dropped(reason, items)
	}
}

// Depth returns how many items wait.
func (q *Outbox[T]) Depth() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.count
}

// Close sends what waits, as far as the time of ctx allows, and drops the
// rest. A Send that does not heed its context is left behind, a tenth of a
// second later.
func (q *Outbox[T]) Close(ctx context.Context) {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.wake()
	select {
	case <-q.done:
	case <-ctx.Done():
	}
	q.stop()
	select { // what became of the batch under way is counted by then
	case <-q.done:
	case <-time.After(closeGrace):
	}
	q.mu.Lock()
	left := q.count
	for q.count > 0 {
		q.pop()
	}
	q.mu.Unlock()
	q.dropped(Shutdown, left)
}

// closeGrace is what a Send has to notice that its context has ended.
const closeGrace = 100 * time.Millisecond

func (q *Outbox[T]) run(ctx context.Context) {
	defer close(q.done)
	tick := time.NewTicker(q.o.Every)
	defer tick.Stop()
	for {
		select {
		case <-q.more:
		case <-tick.C:
		}
		for {
			batch, closed := q.take()
			if len(batch) == 0 {
				if closed {
					return
				}
				break
			}
			q.send(ctx, batch)
		}
	}
}

// take takes the next batch.
func (q *Outbox[T]) take() (batch []T, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := min(q.count, q.o.Batch)
	if n > 0 {
		batch = make([]T, 0, n)
	}
	for range n {
		batch = append(batch, q.pop())
	}
	return batch, q.closed
}

// send sends a batch, with as many tries as it has.
func (q *Outbox[T]) send(ctx context.Context, batch []T) {
	wait := q.o.Wait
	for try := 1; ; try++ {
		limited, cancel := context.WithTimeout(ctx, q.o.Timeout)
		err := q.o.Send(limited, batch)
		cancel()
		switch {
		case err == nil:
			if q.o.Sent != nil {
				q.o.Sent(len(batch))
			}
			return
		case errors.Is(err, ErrRejected):
			q.dropped(Rejected, len(batch))
			return
		case ctx.Err() != nil:
			q.dropped(Shutdown, len(batch))
			return
		case try == q.o.Tries:
			q.dropped(Unavailable, len(batch))
			return
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		wait *= 2
	}
}
