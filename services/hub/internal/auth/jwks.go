package auth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"
	"golang.org/x/time/rate"
)

// How a set of keys is kept up to date.
const (
	refreshEvery  = 5 * time.Minute
	refreshLeast  = 2 * time.Second // between two refreshes for keys that are unknown
	refreshWithin = 5 * time.Second
	maxKeySet     = 1 << 20 // bytes
)

// set is the keys that an issuer serves. They are fetched every few minutes,
// and at once, but not more often than every few seconds, when a token names
// one that is unknown. An issuer that cannot be reached leaves the keys as
// they are; one that serves others withdraws those.
type set struct {
	keyfunc.Keyfunc
	fetch singleflight.Group // so that one fetch is for all who wait for it
}

// FromURL returns a verifier of tokens that are signed with a key of the set
// at a URL. The first fetch is awaited for a few seconds; where it fails, the
// verifier answers [ErrNoKeys] until a later one succeeds. failed is told why
// a fetch failed. The set is kept up to date until ctx ends.
func FromURL(ctx context.Context, address string, failed func(error)) (*Verifier, error) {
	never := true
	k, err := keyfunc.NewDefaultOverrideCtx(ctx, []string{address}, keyfunc.Override{
		Client:                    &http.Client{Transport: bounded{http.DefaultTransport}, Timeout: refreshWithin},
		HTTPTimeout:               refreshWithin,
		NoErrorReturnFirstHTTPReq: &never,
		RateLimitWaitMax:          refreshWithin,
		RefreshErrorHandlerFunc: func(string) func(context.Context, error) {
			return func(_ context.Context, err error) { failed(withoutURL(err)) }
		},
		RefreshInterval:   refreshEvery,
		RefreshUnknownKID: rate.NewLimiter(rate.Every(refreshLeast), 1),
	})
	if err != nil {
		return nil, fmt.Errorf("the key set: %w", withoutURL(err))
	}
	return newVerifier(&set{Keyfunc: k}), nil
}

// withoutURL takes the address from an error: it may hold a password.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (s *set) algorithms() []string {
	return slices.Concat(rsaAlgorithms, []string{"ES256", "ES384", "ES512", "EdDSA"})
}

func (s *set) find(ctx context.Context, t *jwt.Token) (any, error) {
	name, named := t.Header[jwkset.HeaderKID].(string)
	if known, some := s.has(ctx, name); !some || named && !known {
		s.refresh(ctx, name)
		if known, some = s.has(ctx, name); !some {
			return nil, ErrNoKeys
		} else if named && !known {
			return nil, errUnknownKey
		}
	}
	key, err := s.KeyfuncCtx(ctx)(t)
	if err != nil {
		return nil, errUnknownKey // by its name, or for the algorithm
	}
	return key, nil
}

// refresh fetches the set in the hope that it has the key of that name. It
// goes on when one of those who wait for it hangs up.
func (s *set) refresh(ctx context.Context, name string) {
	_, _, _ = s.fetch.Do("", func() (any, error) {
		// Whether it worked, the set shows, and why not, who was given at the start is told.
		return s.Storage().KeyRead(context.WithoutCancel(ctx), name)
	})
}

// has reports whether there is a key of a name, and whether there is any.
func (s *set) has(ctx context.Context, name string) (known, some bool) {
	keys, err := s.Storage().KeyReadAll(ctx)
	return slices.ContainsFunc(keys, func(k jwkset.JWK) bool { return k.Marshal().KID == name }), err == nil && len(keys) > 0
}

// bounded bounds what an issuer may answer.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxKeySet)
	}
	return answer, err
}
