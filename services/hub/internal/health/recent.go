package health

import "time"

// recent holds the last measurements. The zero value has none.
type recent struct {
	last  [samples]time.Duration
	count uint32 // of all so far
}

func (r *recent) add(d time.Duration) {
	r.last[r.count%samples] = d
	r.count++
}

// all returns the last measurements in no particular order. They are valid
// until the next one.
func (r *recent) all() []time.Duration { return r.last[:min(r.count, samples)] }
