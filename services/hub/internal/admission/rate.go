package admission

import (
	"math/rand/v2"
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// maxRates is how many addresses are remembered. One that is forgotten, the
// longest unseen first, begins anew.
const maxRates = 100_000

// Rate bounds how many events a second come from one address.
type Rate struct {
	perSecond float64
	burst     int
	seen      *lru.Cache[netip.Prefix, *rate.Limiter]
}

// NewRate returns a limit of events per second; 0: none. After a pause as many
// as a second has may come at once, and at least largest: else a batch of that
// many could never come.
func NewRate(perSecond, largest int) *Rate {
	if perSecond == 0 {
		return nil
	}
	seen, err := lru.New[netip.Prefix, *rate.Limiter](maxRates)
	if err != nil {
		panic(err) // only of sizes below 1
	}
	return &Rate{float64(perSecond), max(perSecond, largest), seen}
}

// Take takes n events of an address, and reports whether it may have them now.
// If not, nothing is taken, and wait is when it may, and up to half as long
// again so that not all come back at once. A nil Rate has enough for all.
func (r *Rate) Take(a netip.Addr, n int) (wait time.Duration, ok bool) {
	if r == nil {
		return 0, true
	}
	l, now := r.of(a), time.Now()
	if l.AllowN(now, n) {
		return 0, true
	}
	return r.until(l, now, n), false
}

// Ready is Take of one event, without taking it.
func (r *Rate) Ready(a netip.Addr) (wait time.Duration, ok bool) {
	if r == nil {
		return 0, true
	}
	l, now := r.of(a), time.Now()
	if l.TokensAt(now) >= 1 {
		return 0, true
	}
	return r.until(l, now, 1), false
}

func (r *Rate) until(l *rate.Limiter, now time.Time, n int) time.Duration {
	lacking := max(float64(n)-l.TokensAt(now), 0)
	wait := time.Duration(lacking / r.perSecond * float64(time.Second))
	return wait + time.Millisecond + rand.N(wait/2+time.Second)
}

func (r *Rate) of(a netip.Addr) *rate.Limiter {
	g := group(a)
	if l, ok := r.seen.Get(g); ok {
		return l
	}
	fresh := rate.NewLimiter(rate.Limit(r.perSecond), r.burst)
	if l, ok, _ := r.seen.PeekOrAdd(g, fresh); ok {
		return l
	}
	return fresh
}
