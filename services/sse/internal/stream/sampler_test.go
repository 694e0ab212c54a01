package stream

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// Every delivery has the same chance, in small writes and in large ones,
// first in its write or last: the mean of the samples is that of all, within
// what random draws may be off.
func TestSamplerIsFair(t *testing.T) {
	const deliveries, gap = 2_000_000, 50
	s := Sampler{gap: gap}
	s.left = s.draw()
	var sum, squares, sampled float64 // of a latency that goes with the size of the write and the place in it
	n := 0
	for all := 0; all < deliveries; {
		size := 1 + rand.IntN(5)
		if rand.IntN(10) == 0 {
			size = 1 + rand.IntN(500)
		}
		latency := func(i int) float64 { return float64(size) + 3*float64(i)/float64(size) }
		for i := range size {
			sum += latency(i)
			squares += latency(i) * latency(i)
		}
		for from := 0; from < size; from++ {
			i := s.skip(size - from)
			if i < 0 {
				break
			}
			from += i
			sampled += latency(from)
			n++
			s.taken = 0 // the cap is another test's
		}
		all += size
	}
	mean := sum / deliveries
	if want := float64(deliveries) / gap; math.Abs(float64(n)-want) > 5*math.Sqrt(want) {
		t.Errorf("%d samples of %d, want about %v", n, deliveries, want)
	}
	// Neighbours in one write are alike, so draws count for less than n: the
	// largest writes have some ten samples each.
	deviation := math.Sqrt(squares/deliveries-mean*mean) / math.Sqrt(float64(n)/10)
	if got := sampled / float64(n); math.Abs(got-mean) > 5*deviation {
		t.Errorf("the mean of the samples is %v, that of all %v, give or take %v", got, mean, deviation)
	}
}

// Few deliveries are all sampled; of many, about so many a second, also in the
// second in which they become many.
func TestSamplerIsBounded(t *testing.T) {
	s := Sampler{}
	total := uint64(0)
	run := func(second int, rate, write int) (taken int) {
		for range rate / write {
			for from := 0; from < write; from++ {
				i := s.skip(write - from)
				if i < 0 {
					break
				}
				from += i
				taken++
			}
			total += uint64(write)
		}
		s.Tune(time.Duration(second)*time.Second, total)
		return taken
	}
	s.Tune(time.Second, 0)
	for second := 2; second < 5; second++ {
		if n := run(second, 900, 1); n != 900 {
			t.Errorf("of 900 deliveries a second %d are sampled", n)
		}
	}
	if n := run(5, 10_000_000, 100); n > 20*SamplesPerSecond {
		t.Errorf("%d are sampled in the first second of many", n)
	}
	for second := 6; second < 9; second++ {
		if n := run(second, 10_000_000, 100); n < SamplesPerSecond*3/4 || n > SamplesPerSecond*5/4 {
			t.Errorf("of 10 million a second %d are sampled", n)
		}
	}
	run(9, 900, 1)
	if n := run(10, 900, 1); n != 900 {
		t.Errorf("%d are sampled of few after many", n)
	}
}
