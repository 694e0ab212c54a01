package client

import (
	"context"
	"math/rand/v2"
	"time"
)

// Of subscriptions. See backoff for what they mean.
const (
	firstWait     = time.Second
	longestWait   = time.Minute
	degradedAfter = 5
)

// backoff decides how long to wait before the next attempt: base, twice as
// much each time up to longest, times a random 0.5 to 1.5 so that clients cut
// off together do not come back together. A base that the server asked for is
// the least: times 1 to 1.5.
type backoff struct {
	base, longest time.Duration
	asked         bool // the base is the server's
	degradedAfter int  // failures from which on it is longest only; 0: never
	failures      int  // in a row
	waits         int  // since the last success
}

func (b *backoff) failed() { b.failures++ }

func (b *backoff) succeeded() { b.failures, b.waits = 0, 0 }

func (b *backoff) degraded() bool { return b.degradedAfter > 0 && b.failures >= b.degradedAfter }

// wait returns how long to wait now, which is never less than the server asked
// for.
func (b *backoff) wait(floor time.Duration) time.Duration {
	longest := max(b.longest, b.base) // a server may want more
	d := longest
	if !b.degraded() {
		d = b.base
		for range b.waits {
			if d >= longest/2 {
				d = longest
				break
			}
			d *= 2
		}
	}
	b.waits++
	if b.asked && d == b.base {
		return max(d+rand.N(d/2+1), floor)
	}
	if b.asked {
		floor = max(floor, b.base)
	}
	return max(d/2+rand.N(d+1), floor)
}

// sleep waits, or returns false where ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
