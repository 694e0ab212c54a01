package publishers

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/times"
)

// Plan says when what is published.
type Plan struct {
	// Rate is events a second; 0: the next as soon as an answer is there (closed
	// loop), for what a server can take at most.
	Rate float64
	// Poisson makes arrivals random, as those of many independent publishers are;
	// else they are evenly spaced.
	Poisson bool
	// Events ends it after so many, and For after a time; 0: neither.
	Events int
	For    time.Duration
	// Batch is how many events go in one request.
	Batch int
}

// arrival is a request that should begin at a time.
type arrival struct {
	at    time.Time
	topic int
}

// arrive sends arrivals to out at their times until the plan, or ctx, ends. An
// arrival for which there is nobody free waits in line, as long as that is.
func (p *Plan) arrive(ctx context.Context, from time.Time, topics []int, random *rand.Rand, out *line) {
	defer out.close()
	each := float64(max(p.Batch, 1)) / p.Rate * float64(time.Second)
	requests := (p.Events + max(p.Batch, 1) - 1) / max(p.Batch, 1)
	if p.For > 0 && !p.Poisson {
		requests = int(float64(p.For)/each + 0.5)
	}
	at := from
	for n := 0; p.For > 0 && p.Poisson || n < requests; n++ {
		if p.Poisson {
			at = at.Add(time.Duration(random.ExpFloat64() * each))
		} else {
			at = from.Add(time.Duration(float64(n) * each))
		}
		if p.For > 0 && p.Poisson && at.Sub(from) >= p.For || !times.Until(ctx, at) {
			return
		}
		out.put(arrival{at, topics[random.IntN(len(topics))]})
	}
}
