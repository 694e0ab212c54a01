package crew

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/sluice-stream/sluice/loadtest/internal/streams"
)

// Streams take topics in turn, so that each is followed as often as the others.
func TestSpecs(t *testing.T) {
	for name, c := range map[string]struct {
		job     Job
		streams int
		each    int // how many streams follow a topic
	}{
		"five of 5000":     {Job{Hubs: make([]Address, 1), Topics: make([]string, 5000), TopicsEach: 5}, 1000, 1},
		"one of one":       {Job{Hubs: make([]Address, 1), Topics: make([]string, 1), TopicsEach: 1}, 7, 7},
		"two of three":     {Job{Hubs: make([]Address, 1), Topics: make([]string, 3), TopicsEach: 2}, 6, 4},
		"apart":            {Job{Hubs: make([]Address, 3), Topics: make([]string, 6), TopicsEach: 1, Apart: true}, 12, 2},
		"apart, two each":  {Job{Hubs: make([]Address, 2), Topics: make([]string, 8), TopicsEach: 2, Apart: true}, 8, 2},
		"apart, all there": {Job{Hubs: make([]Address, 2), Topics: make([]string, 2), TopicsEach: 2, Apart: true}, 8, 4},
	} {
		count := make([]int, len(c.job.Topics))
		for i := range c.streams {
			s := c.job.spec(i)
			for _, topic := range s.Topics {
				count[topic]++
				if c.job.Apart && topic%len(c.job.Hubs) != s.Hub {
					t.Errorf("%s: stream %d at hub %d follows topic %d", name, i, s.Hub, topic)
				}
			}
			if sorted := slices.Compact(slices.Sorted(slices.Values(s.Topics))); len(sorted) != len(s.Topics) {
				t.Errorf("%s: stream %d follows %v", name, i, s.Topics)
			}
		}
		for topic, n := range count {
			if n != c.each {
				t.Fatalf("%s: topic %d is followed by %d streams, want %d", name, topic, n, c.each)
			}
		}
	}
	j := Job{Hubs: make([]Address, 1), Topics: make([]string, 1), TopicsEach: 1, Never: 2, Slow: 1}
	for i, want := range []streams.Pace{streams.Never, streams.Never, streams.Slow, streams.Eager} {
		if got := j.spec(i).Pace; got != want {
			t.Errorf("stream %d: pace %v, want %v", i, got, want)
		}
	}
}

func TestShares(t *testing.T) {
	for of := range 20 {
		for n := 1; n < 7; n++ {
			sum, least, most := 0, of, 0
			for i := range n {
				s := share(of, i, n)
				sum, least, most = sum+s, min(least, s), max(most, s)
			}
			if sum != of || most-least > 1 {
				t.Errorf("%d in %d: sum %d, %d to %d", of, n, sum, least, most)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	j := Job{Sizes: []Size{{100, 3}, {2000, 1}}}
	draw, random, large := j.size(), rand.New(rand.NewPCG(1, 2)), 0
	for range 10_000 {
		if draw(random) == 2000 {
			large++
		}
	}
	if large < 2200 || large > 2800 {
		t.Errorf("%d of 10000 are large, want a quarter", large)
	}
}
