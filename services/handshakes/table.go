// Package handshakes remembers how the TLS handshakes of clients went, by their
// addresses: what part of a health score is made of.
package handshakes

import (
	"container/list"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// MaxPeers bounds the addresses that are remembered, some 200 bytes each.
const MaxPeers = 10_000

// Table remembers the addresses that were seen last. The zero value works; it is
// safe for concurrent use.
type Table struct {
	mu     sync.Mutex // guards what follows; held to compute only
	order  list.List  // of *peer, the last seen first
	byAddr map[netip.Addr]*list.Element
}

type peer struct {
	addr      netip.Addr
	successes int // in a row
	took      Recent
}

// Unknown stands for a time that nobody has measured.
const Unknown = time.Duration(-1)

// Note takes the outcome of a handshake. A failure resets what went before.
func (t *Table) Note(addr netip.Addr, took time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.join(addr)
	if !ok {
		known.successes, known.took = 0, Recent{}
		return
	}
	known.successes++
	if took >= 0 {
		known.took.Add(took)
	}
}

// join returns a peer, new or known, as the last seen. t.mu is held.
func (t *Table) join(addr netip.Addr) *peer {
	if e := t.byAddr[addr]; e != nil {
		t.order.MoveToFront(e)
		return e.Value.(*peer)
	}
	if t.byAddr == nil {
		t.byAddr = map[netip.Addr]*list.Element{}
	}
	if t.order.Len() >= MaxPeers {
		delete(t.byAddr, t.order.Remove(t.order.Back()).(*peer).addr)
	}
	fresh := &peer{addr: addr}
	t.byAddr[addr] = t.order.PushFront(fresh)
	return fresh
}

// Of returns how many handshakes of an address have succeeded in a row, and how
// long the last three took, as far as that is known. One that is not remembered
// has none against it: false.
func (t *Table) Of(addr netip.Addr) (successes int, took []time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.byAddr[addr]
	if e == nil {
		return 0, nil, false
	}
	known := e.Value.(*peer)
	return known.successes, slices.Clone(known.took.All()), true
}

// Peers returns how many addresses are remembered.
func (t *Table) Peers() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byAddr)
}
