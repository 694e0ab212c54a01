package health

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// maxPeers bounds the addresses that are remembered, some 200 bytes each.
const maxPeers = 10_000

// peers remembers the TLS handshakes of the addresses that were seen last.
type peers struct {
	mu     sync.Mutex // guards what follows; held to compute only
	order  list.List  // of *peer, the last seen first
	byAddr map[netip.Addr]*list.Element
}

type peer struct {
	addr      netip.Addr
	successes int // in a row
	took      recent
}

// note takes the outcome of a handshake. A failure resets what went before.
func (p *peers) note(addr netip.Addr, took time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.join(addr)
	if !ok {
		known.successes, known.took = 0, recent{}
		return
	}
	known.successes++
	known.took.add(took)
}

// join returns a peer, new or known, as the last seen. p.mu is held.
func (p *peers) join(addr netip.Addr) *peer {
	if e := p.byAddr[addr]; e != nil {
		p.order.MoveToFront(e)
		return e.Value.(*peer)
	}
	if p.byAddr == nil {
		p.byAddr = map[netip.Addr]*list.Element{}
	}
	if p.order.Len() >= maxPeers {
		delete(p.byAddr, p.order.Remove(p.order.Back()).(*peer).addr)
	}
	fresh := &peer{addr: addr}
	p.byAddr[addr] = p.order.PushFront(fresh)
	return fresh
}

// t rates the handshakes of a peer. One that is not remembered has nothing
// against it.
func (p *peers) t(addr netip.Addr) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.byAddr[addr]
	if e == nil {
		return 100
	}
	known := e.Value.(*peer)
	return T(known.successes, known.took.all()...)
}
