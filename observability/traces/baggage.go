package traces

import (
	"context"
	"net/http"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/baggage"
)

// releaseMember is the member of the baggage that says which release a caller
// is pinned to.
const releaseMember = "release"

// baggageOf returns the baggage in headers. What is not valid is none.
func baggageOf(h http.Header) baggage.Baggage {
	values := h["Baggage"]
	if len(values) == 0 {
		return baggage.Baggage{}
	}
	b, err := baggage.Parse(strings.Join(values, ","))
	if err != nil {
		return baggage.Baggage{}
	}
	return b
}

// withRelease puts the caller's baggage into a context, with the release.
func (t *Tracing) withRelease(ctx context.Context, h http.Header, release string) context.Context {
	if release == "" && len(h["Baggage"]) == 0 {
		return ctx
	}
	if len(h["Baggage"]) == 0 {
		return baggage.ContextWithBaggage(ctx, t.releases.of(release))
	}
	return baggage.ContextWithBaggage(ctx, setRelease(baggageOf(h), release))
}

func setRelease(b baggage.Baggage, release string) baggage.Baggage {
	m, err := baggage.NewMemberRaw(releaseMember, release)
	if release == "" || err != nil {
		return b
	}
	if with, err := b.SetMember(m); err == nil {
		return with
	}
	return b
}

// releases keeps the baggage of requests that bring none: there are few
// releases.
type releases struct {
	mu   sync.RWMutex
	made map[string]baggage.Baggage
}

const maxReleases = 64

func (r *releases) of(release string) baggage.Baggage {
	r.mu.RLock()
	b, ok := r.made[release]
	r.mu.RUnlock()
	if ok {
		return b
	}
	b = setRelease(baggage.Baggage{}, release)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.made == nil {
		r.made = map[string]baggage.Baggage{}
	}
	if len(r.made) < maxReleases {
		r.made[release] = b
	}
	return b
}
