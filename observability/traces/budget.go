package traces

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How many spans may be made that the sampler did not choose. A second may see
// as many again, from the one before.
const (
	KeptConnectsPerSecond = 100
	// Half of the deliveries are for those that failed or were slow, so that
	// neither kind keeps out the other.
	DeliversPerSecond     = 50
	FaultyClosesPerSecond = 50
)

// What one sampled publish makes at the most on a hub, however many streams its
// event goes to: itself, the store, a fan-out and so many deliveries. A batch is one
// publish, and its first event that is fanned out stands for all of them, as
// long as it is among the latest 4,096.
const (
	DeliversPerPublish = 8
	SpansPerPublish    = 1 + 1 + 1 + DeliversPerPublish
)

// LongestDelivery bounds how late a delivery is that is still traced: so long
// it is known how many were made of a publish.
const LongestDelivery = time.Minute

// remembered is of how many publishes it is known what was made: more than can
// have had a delivery traced in the longest delivery's time.
const remembered = 4096

// budget bounds spans by their number.
type budget struct {
	connects *rate.Limiter
	closes   *rate.Limiter
	ordinary *rate.Limiter
	notable  *rate.Limiter

	mu       sync.Mutex // guards what follows
	fanouts  tallies
	delivers tallies
}

func newBudget() *budget {
	limit := func(perSecond int) *rate.Limiter { return rate.NewLimiter(rate.Limit(perSecond), perSecond) }
	return &budget{
		connects: limit(KeptConnectsPerSecond),
		closes:   limit(FaultyClosesPerSecond),
		ordinary: limit(DeliversPerSecond / 2),
		notable:  limit(DeliversPerSecond / 2),
	}
}

// fanout reports whether a fan-out of a publish may be traced.
func (b *budget) fanout(publish Ref) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fanouts.of[publish] > 0 {
		return false
	}
	b.fanouts.add(publish)
	return true
}

// deliver reports whether a delivery may be traced.
func (b *budget) deliver(publish Ref, d Delivery) bool {
	limiter := b.ordinary
	if d.Slow || d.Failed != "" || d.Err != nil {
		limiter = b.notable
	}
	if d.End.Sub(d.Start) > LongestDelivery {
		return false
	}
	if !publish.Sampled {
		return limiter.Allow()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.delivers.of[publish] >= DeliversPerPublish || !limiter.Allow() {
		return false
	}
	b.delivers.add(publish)
	return true
}

// tallies count by publish, for the latest of them.
type tallies struct {
	of     map[Ref]int
	latest []Ref // its keys, a ring once it is full
	oldest int
}

func (t *tallies) add(publish Ref) {
	if t.of == nil {
		t.of = map[Ref]int{}
	}
	if t.of[publish]++; t.of[publish] > 1 {
		return
	}
	if len(t.latest) < remembered {
		t.latest = append(t.latest, publish)
		return
	}
	delete(t.of, t.latest[t.oldest])
	t.latest[t.oldest] = publish
	t.oldest = (t.oldest + 1) % remembered
}
