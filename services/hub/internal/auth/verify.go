package auth

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// MaxToken is how long a token may be, in bytes.
const MaxToken = 8 << 10

// early is how much too early a token may be used.
const early = 30 * time.Second

// Refused says why a token counts for nothing, for the eyes of who sent it.
type Refused struct{ Why string }

func (r *Refused) Error() string { return "token refused: " + r.Why }

// ErrNoKeys: the issuer's keys could not be had yet, so nothing can be said
// about any token.
var ErrNoKeys = errors.New("the keys of the issuer are not known yet")

// Verifier checks tokens. Its methods are safe for concurrent use.
type Verifier struct {
	keys   keys
	parser *jwt.Parser
}

// keys find what a token must have been signed with.
type keys interface {
	// algorithms are those that go with the keys.
	algorithms() []string
	// find returns the key, or several, that a token of one of the algorithms
	// may be signed with.
	find(ctx context.Context, t *jwt.Token) (any, error)
}

func newVerifier(k keys) *Verifier {
	return &Verifier{k, jwt.NewParser(jwt.WithValidMethods(k.algorithms()), jwt.WithLeeway(early), jwt.WithExpirationRequired())}
}

// Verify returns who bears a token. Its errors are *[Refused], or [ErrNoKeys].
func (v *Verifier) Verify(ctx context.Context, token string) (*Identity, error) {
	if len(token) > MaxToken {
		return nil, &Refused{"it is longer than " + strconv.Itoa(MaxToken) + " bytes"}
	}
	var c claims
	_, err := v.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		// Extensions that must be understood are not (RFC 7515, section 4.1.11).
		if _, extended := t.Header["crit"]; extended {
			return nil, errCritical
		}
		return v.keys.find(ctx, t)
	})
	switch {
	case errors.Is(err, ErrNoKeys):
		return nil, ErrNoKeys
	case err != nil:
		return nil, &Refused{reason(err)}
	case !time.Now().Before(c.Expires.Time): // the parser was patient
		return nil, &Refused{expired}
	case len(c.Subject) > maxSubject:
		return nil, &Refused{"its sub is longer than " + strconv.Itoa(maxSubject) + " bytes"}
	}
	return &Identity{Subject: c.Subject, Expires: c.Expires.Time, publish: c.Publish, subscribe: c.Subscribe}, nil
}

var (
	errCritical   = errors.New("a critical header")
	errUnknownKey = errors.New("an unknown key")
)

const expired = "it has expired"

// reason says what is wrong with a token, and nothing that is in it.
func reason(err error) string {
	for _, r := range []struct {
		err error
		why string
	}{
		{errPatterns, "a grant in it is not a list of topic patterns"},
		{errCritical, "it has a critical header, which the hub does not know"},
		{errUnknownKey, "the hub does not know its key, or not for its algorithm"},
		{jwt.ErrTokenMalformed, "it is not a JSON Web Token"},
		{jwt.ErrTokenSignatureInvalid, "its signature is not by the hub's key, or not by an algorithm for that key"},
		{jwt.ErrTokenExpired, expired},
		{jwt.ErrTokenNotValidYet, "it is not valid yet"},
		{jwt.ErrTokenRequiredClaimMissing, "it does not say when it expires (exp)"},
	} {
		if errors.Is(err, r.err) {
			return r.why
		}
	}
	return "it cannot be verified"
}
