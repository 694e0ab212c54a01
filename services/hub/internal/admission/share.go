package admission

import (
	"net/netip"
	"sync"
)

// Share bounds how many of something one address may have at a time.
type Share struct {
	most int

	mu   sync.Mutex           // guards held
	held map[netip.Prefix]int // by address; only those that have some
}

// NewShare returns a share of at most so many for each address; 0: no limit.
func NewShare(most int) *Share { return &Share{most: most, held: map[netip.Prefix]int{}} }

// Take takes one for an address, and reports whether there was one left. Who
// took it gives it back, once.
func (s *Share) Take(a netip.Addr) (giveBack func(), ok bool) {
	if s.most == 0 {
		return func() {}, true
	}
	g := group(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[g] >= s.most {
		return nil, false
	}
	s.held[g]++
	return func() { s.giveBack(g) }, true
}

func (s *Share) giveBack(g netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held[g]--; s.held[g] == 0 {
		delete(s.held, g)
	}
}
