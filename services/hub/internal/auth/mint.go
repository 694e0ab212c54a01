package auth

import (
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/sluice-stream/sluice/services/hub/internal/pattern"
)

// Grant is what a token says.
type Grant struct {
	Subject            string
	Publish, Subscribe []string      // patterns of topics
	For                time.Duration // from now on; a second or more
}

// Validate checks that a hub would take such a token.
func (g *Grant) Validate() error {
	if len(g.Subject) > maxSubject {
		return fmt.Errorf("a subject has %d bytes at most", maxSubject)
	}
	for _, list := range [][]string{g.Publish, g.Subscribe} {
		if len(list) > maxPatterns {
			return fmt.Errorf("a token has %d patterns of topics at most", maxPatterns)
		}
		for _, p := range list {
			if !pattern.Valid(p) {
				return fmt.Errorf("%q is not a pattern of topics: write it like orders, orders.* or *", p)
			}
		}
	}
	if g.For < time.Second {
		return fmt.Errorf("a token that holds for %v is of no use: give it a second or more", g.For)
	}
	return nil
}

// Mint returns a token, signed with the secret in a file, that hubs with the
// same secret take (HS256).
func Mint(secretFile string, g Grant) (string, error) {
	if err := g.Validate(); err != nil {
		return "", err
	}
	secret, err := readSecret(secretFile)
	if err != nil {
		return "", err
	}
	now := time.Now()
	claims := jwt.MapClaims{"iat": now.Unix(), "exp": now.Add(g.For).Unix()}
	if g.Subject != "" {
		claims["sub"] = g.Subject
	}
	for name, list := range map[string][]string{"publish": g.Publish, "subscribe": g.Subscribe} {
		if len(list) > 0 {
			claims[name] = list
		}
	}
	return jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString(secret)
}
