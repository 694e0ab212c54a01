package admission

import (
	"context"
	"net/netip"
	"sync"
	"time"
)

// Share bounds how many of something one address may have at a time.
type Share struct {
	most int

	mu    sync.Mutex           // guards what follows
	held  map[netip.Prefix]int // by address; only those that have some
	queue map[netip.Prefix][]chan struct{}
}

// NewShare returns a share of at most so many for each address; 0: no limit.
func NewShare(most int) *Share {
	return &Share{most: most, held: map[netip.Prefix]int{}, queue: map[netip.Prefix][]chan struct{}{}}
}

// A place may be about to come free: its holder has hung up, and that has not
// been noticed yet. So who finds none waits, but not for long, and of one
// address no more than have places, nor than this.
const (
	placePatience = 200 * time.Millisecond
	placeWaiters  = 64
)

// Take takes one for an address, and reports whether there was one left, or
// one came free at once. Who took it gives it back, once.
func (s *Share) Take(ctx context.Context, a netip.Addr) (giveBack func(), ok bool) {
	if s.most == 0 {
		return func() {}, true
	}
	g := group(a)
	given, ok := s.take(g)
	if !ok && given != nil {
		late := time.NewTimer(placePatience)
		defer late.Stop()
		select {
		case <-given:
			ok = true
		case <-late.C:
			ok = s.giveUp(g, given)
		case <-ctx.Done():
			if s.giveUp(g, given) {
				s.giveBack(g) // nobody is there to use it
			}
		}
	}
	if !ok {
		return nil, false
	}
	return func() { s.giveBack(g) }, true
}

// take takes one, or a place in the queue for one, where that is not full.
func (s *Share) take(g netip.Prefix) (given chan struct{}, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[g] < s.most {
		s.held[g]++
		return nil, true
	}
	if len(s.queue[g]) >= min(s.most, placeWaiters) {
		return nil, false
	}
	given = make(chan struct{})
	s.queue[g] = append(s.queue[g], given)
	return given, false
}

// giveUp leaves the queue, and reports whether one was given at the last
// moment.
func (s *Share) giveUp(g netip.Prefix, given chan struct{}) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range s.queue[g] {
		if other == given {
			s.dequeue(g, i)
			return false
		}
	}
	return true
}

// dequeue takes one out of the queue. s.mu is held.
func (s *Share) dequeue(g netip.Prefix, i int) {
	q := append(s.queue[g][:i:i], s.queue[g][i+1:]...)
	if len(q) == 0 {
		delete(s.queue, g)
	} else {
		s.queue[g] = q
	}
}

// giveBack gives one to who waits longest, or to whoever comes.
func (s *Share) giveBack(g netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.queue[g]; len(q) > 0 {
		close(q[0])
		s.dequeue(g, 0)
		return
	}
	if s.held[g]--; s.held[g] == 0 {
		delete(s.held, g)
	}
}
