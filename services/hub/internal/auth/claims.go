package auth

import (
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sluice-stream/sluice/services/hub/internal/pattern"
)

// Bounds of what a token says.
const (
	maxSubject  = 255 // bytes
	maxPatterns = 256 // of each kind
)

// Identity is who a caller is and what it may do.
type Identity struct {
	Subject string
	Expires time.Time

	publish, subscribe patterns
}

// MayPublish reports whether the caller may publish to a topic.
func (i *Identity) MayPublish(topic string) bool { return i.publish.match(topic) }

// MaySubscribe reports whether the caller may subscribe to a topic.
func (i *Identity) MaySubscribe(topic string) bool { return i.subscribe.match(topic) }

// claims is what the hub reads of a token.
type claims struct {
	Subject   string           `json:"sub"`
	Expires   *jwt.NumericDate `json:"exp"`
	NotBefore *jwt.NumericDate `json:"nbf"`
	Publish   patterns         `json:"publish"`
	Subscribe patterns         `json:"subscribe"`
}

// The methods of jwt.Claims. Who issued a token is told by its key; when, and
// for whom else, is nothing to the hub.
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.Expires, nil }
func (c *claims) GetNotBefore() (*jwt.NumericDate, error)      { return c.NotBefore, nil }
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error)       { return nil, nil }
func (c *claims) GetIssuer() (string, error)                   { return "", nil }
func (c *claims) GetSubject() (string, error)                  { return c.Subject, nil }
func (c *claims) GetAudience() (jwt.ClaimStrings, error)       { return nil, nil }

// patterns are those of a grant.
type patterns []string

var errPatterns = errors.New("not a list of topic patterns")

// UnmarshalJSON reads a list of patterns, or a single one.
func (p *patterns) UnmarshalJSON(text []byte) error {
	var list []string
	var one string
	switch {
	case json.Unmarshal(text, &list) == nil:
	case json.Unmarshal(text, &one) == nil:
		list = []string{one}
	default:
		return errPatterns
	}
	if len(list) > maxPatterns || slices.ContainsFunc(list, func(s string) bool { return !pattern.Valid(s) }) {
		return errPatterns
	}
	*p = list
	return nil
}

func (p patterns) match(topic string) bool {
	return slices.ContainsFunc(p, func(one string) bool { return pattern.Match(one, topic) })
}
