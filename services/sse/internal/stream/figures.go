package stream

import "sync/atomic"

// Figures are what drivers have counted.
type Figures struct {
	Live, Memory, Store uint64 // events, by where they come from
	Replayed            uint64 // bytes of those from memory and store
	Bytes               uint64 // all others, framing included
	Stalls              uint64 // writes that found a full socket
	Saved               uint64 // reads of pages that were there already
}

// Add counts what a write carried.
func (f *Figures) Add(n Counts) {
	f.Live += uint64(n.Live)
	f.Memory += uint64(n.Memory)
	f.Store += uint64(n.Store)
}

// Events returns how many there are in all.
func (f Figures) Events() uint64 { return f.Live + f.Memory + f.Store }

// Plus returns the sum of two.
func (f Figures) Plus(g Figures) Figures {
	return Figures{f.Live + g.Live, f.Memory + g.Memory, f.Store + g.Store, f.Replayed + g.Replayed,
		f.Bytes + g.Bytes, f.Stalls + g.Stalls, f.Saved + g.Saved}
}

// Counters are Figures that many goroutines count and read.
type Counters struct {
	Live, Memory, Store            atomic.Uint64
	Replayed, Bytes, Stalls, Saved atomic.Uint64
}

// Add counts what a write carried.
func (c *Counters) Add(n Counts) {
	c.Live.Add(uint64(n.Live))
	c.Memory.Add(uint64(n.Memory))
	c.Store.Add(uint64(n.Store))
}

// Show makes the figures of their one owner known.
func (c *Counters) Show(f *Figures) {
	c.Live.Store(f.Live)
	c.Memory.Store(f.Memory)
	c.Store.Store(f.Store)
	c.Replayed.Store(f.Replayed)
	c.Bytes.Store(f.Bytes)
	c.Stalls.Store(f.Stalls)
	c.Saved.Store(f.Saved)
}

// Load returns the figures of this moment.
func (c *Counters) Load() Figures {
	return Figures{c.Live.Load(), c.Memory.Load(), c.Store.Load(), c.Replayed.Load(),
		c.Bytes.Load(), c.Stalls.Load(), c.Saved.Load()}
}

// Sent counts what went to one socket.
type Sent struct {
	Events uint64
	Bytes  uint64 // accepted by the socket, framing included
}
