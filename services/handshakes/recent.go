package handshakes

import "time"

// samples is how many of the last measurements count.
const samples = 3

// Recent holds the last three measurements. The zero value has none.
type Recent struct {
	last  [samples]time.Duration
	count uint32 // of all so far
}

// Add takes one more.
func (r *Recent) Add(d time.Duration) {
	r.last[r.count%samples] = d
	r.count++
}

// All returns the last measurements in no particular order. They are valid
// until the next one.
func (r *Recent) All() []time.Duration { return r.last[:min(r.count, samples)] }
