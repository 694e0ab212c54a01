package heartbeat

import (
	"math/rand/v2"
	"time"
)

// Rules are the options of heartbeats, with their defaults in place.
type Rules struct {
	Silence  time.Duration // of a stream before a comment breaks it; [Never]: none does
	Interval time.Duration // of pings; 0: there are none
	Timeout  time.Duration // of their pongs, Interval at most, or [Never]
	Most     int           // pings missed in a row; 0: any number
}

// Never is further ahead than any server runs: a century.
const Never = 100 * 365 * 24 * time.Hour

// Quiet returns for how long a stream may be silent from now on, spread by a
// tenth: streams that began together do not break their silence together.
func (r *Rules) Quiet() time.Duration {
	if r.Silence >= Never {
		return Never
	}
	return Spread(r.Silence, 0.1)
}

// Spread returns d give or take a share of it.
func Spread(d time.Duration, share float64) time.Duration {
	return time.Duration(float64(d) * (1 + share*(2*rand.Float64()-1)))
}
