package publishers

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// line is arrivals that wait for a connection to be free, without a limit: what
// would be left out is what a slow server makes late.
type line struct {
	mu     sync.Mutex // guards what follows
	cond   sync.Cond
	queue  []arrival
	closed bool
	supply func(n int) (arrival, bool) // the next, of which there were n; nil: only what was put
	n      int
}

func newLine() *line {
	l := &line{}
	l.cond.L = &l.mu
	return l
}

func (l *line) put(a arrival) {
	l.mu.Lock()
	l.queue = append(l.queue, a)
	l.mu.Unlock()
	l.cond.Signal()
}

// close lets those who wait go once the line is empty.
func (l *line) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	l.cond.Broadcast()
}

// take returns the next, or false when there will be none.
func (l *line) take() (a arrival, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.queue) == 0 {
		if l.supply != nil {
			a, ok = l.supply(l.n)
			l.n++
			return a, ok
		}
		if l.closed {
			return a, false
		}
		l.cond.Wait()
	}
	a, l.queue = l.queue[0], l.queue[1:]
	return a, true
}

// drop empties the line and returns how many waited in it.
func (l *line) drop() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.queue)
	l.queue = nil
	return n
}

func (l *line) waiting() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue)
}

// endless lets whoever is free take the next at once, until the plan ends.
func (l *line) endless(ctx context.Context, p Plan, from time.Time, topics []int, random *rand.Rand) {
	l.mu.Lock()
	l.supply = func(n int) (arrival, bool) {
		over := p.Events > 0 && n*max(p.Batch, 1) >= p.Events || p.For > 0 && time.Since(from) >= p.For || ctx.Err() != nil
		return arrival{topic: topics[random.IntN(len(topics))]}, !over
	}
	l.mu.Unlock()
	l.cond.Broadcast()
}
