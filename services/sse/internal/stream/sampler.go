package stream

import (
	"math/rand/v2"
	"time"
)

// SamplesPerSecond is how many deliveries a second a Sampler takes about. Up to
// there it takes every delivery. Above, it takes one in so many, at random
// distances, each delivery of a second with the same chance; how many is set
// anew from the second before, and doubled whenever half as many again were
// taken.
const SamplesPerSecond = 1000

// Sampler chooses deliveries.
type Sampler struct {
	gap   int64 // one in so many
	left  int64 // deliveries to be passed over
	taken int64 // samples since the gap was set

	tuned  time.Duration // when
	passed uint64        // deliveries until then
}

// skip returns which of the next n deliveries is sampled, or -1. To go on it
// is called again with those behind that one.
func (s *Sampler) skip(n int) int {
	if s.left >= int64(n) {
		s.left -= int64(n)
		return -1
	}
	at := int(s.left)
	s.taken++
	if s.taken >= SamplesPerSecond*3/2 {
		s.gap, s.taken = 2*s.gap, 0
	}
	s.left = s.draw()
	return at
}

// draw returns a distance with the gap as its mean, one less for the delivery
// at its end.
func (s *Sampler) draw() int64 {
	if s.gap <= 1 {
		return 0
	}
	return rand.Int64N(2*s.gap - 1)
}

// Tune sets the gap once a second, from how many deliveries there have been.
func (s *Sampler) Tune(now time.Duration, deliveries uint64) {
	if now-s.tuned < time.Second {
		return
	}
	rate := float64(deliveries-s.passed) / (now - s.tuned).Seconds()
	s.gap, s.taken = max(int64(rate/SamplesPerSecond), 1), 0
	s.left = min(s.left, 2*(s.gap-1))
	s.tuned, s.passed = now, deliveries
}

// Gap returns in how many deliveries one is taken.
func (s *Sampler) Gap() int64 { return s.gap }

// SetGap sets it, where another Sampler is tuned for all.
func (s *Sampler) SetGap(n int64) { s.gap = n }
