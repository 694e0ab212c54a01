package sse

import "sync/atomic"

// counters are figures that other goroutines read.
type counters struct {
	live, memory, store  atomic.Uint64 // events, by where they come from
	bytes, stalls, saved atomic.Uint64
	replayed             atomic.Uint64 // bytes of events from memory and store; the others are in bytes
}

// totals are the same as their owner counts them.
type totals struct{ live, memory, store uint64 }

func (t *totals) add(c counts) {
	t.live += uint64(c.live)
	t.memory += uint64(c.memory)
	t.store += uint64(c.store)
}

func (c *counters) add(n counts) {
	c.live.Add(uint64(n.live))
	c.memory.Add(uint64(n.memory))
	c.store.Add(uint64(n.store))
}

func (c *counters) events() uint64 { return c.live.Load() + c.memory.Load() + c.store.Load() }

func (t *totals) events() uint64 { return t.live + t.memory + t.store }

func (c *counters) addTo(st *Stats) {
	memory, store := c.memory.Load(), c.store.Load()
	st.ReplayedMemory += memory
	st.ReplayedStore += store
	st.Sent.Events += c.live.Load() + memory + store
	replayed := c.replayed.Load()
	st.ReplayedBytes += replayed
	st.CachedPages += c.saved.Load()
	st.Sent.Bytes += c.bytes.Load() + replayed
	st.Stalls += c.stalls.Load()
}
