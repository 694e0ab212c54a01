package health

import (
	"math"
	"time"
)

// Score weighs the three parts, each from 0 to 100, and rounds.
func Score(r, t, q float64) int { return int(math.Round(0.5*r + 0.3*t + 0.2*q)) }

// R rates the mean of round-trip times: 100 at 5 ms or less, 0 at 500 ms or
// more, linear between. Without any it is 100.
func R(rtts ...time.Duration) float64 {
	if len(rtts) == 0 {
		return 100
	}
	return falling(mean(rtts), 5*time.Millisecond, 500*time.Millisecond)
}

// T rates a peer by how many TLS handshakes in a row have succeeded and by how
// long the last ones took: 100 (1 - 2^-n) h, with h falling from 1 at a mean
// of 50 ms to 0 at 1 s.
func T(successes int, took ...time.Duration) float64 {
	h := 1.0
	if len(took) > 0 {
		h = falling(mean(took), 50*time.Millisecond, time.Second) / 100
	}
	return 100 * (1 - math.Exp2(-float64(successes))) * h
}

// Q rates a backlog: 100 less the percentage of connections that are behind.
func Q(behind, connections int) float64 {
	if connections <= 0 {
		return 100
	}
	return 100 * (1 - min(float64(behind)/float64(connections), 1))
}

// falling is 100 up to best, 0 from worst on, and linear between.
func falling(d float64, best, worst time.Duration) float64 {
	share := (float64(worst) - d) / float64(worst-best)
	return 100 * min(max(share, 0), 1)
}

func mean(ds []time.Duration) float64 {
	sum := 0.0
	for _, d := range ds {
		sum += float64(d)
	}
	return sum / float64(len(ds))
}
