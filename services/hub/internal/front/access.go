package front

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/services/hub/internal/auth"
	"github.com/sluice-stream/sluice/services/sse"
)

// secure reads what guards the listeners.
func (f *Front) secure() error {
	var tokenErr, certErr error
	if path := f.given.Settings.AdminTokenFile; path != "" {
		f.warnReadable("admin-token-file", path)
		f.adminToken, tokenErr = readToken("admin-token-file", path)
	}
	if path := f.given.Settings.TLSCert; path != "" {
		f.certificates, certErr = loadCertificates(path, f.given.Settings.TLSKey, f.given.Logger)
	}
	return errors.Join(tokenErr, certErr, f.openVerifier())
}

// openVerifier reads the key of tokens; without one access is open. What keeps
// keys up to date goes on until Close.
func (f *Front) openVerifier() (err error) {
	var ctx context.Context
	ctx, f.stopKeys = context.WithCancel(context.Background())
	s := f.given.Settings
	setting := ""
	switch {
	case s.JWTSecretFile != "":
		setting = "jwt-secret-file"
		f.warnReadable(setting, s.JWTSecretFile)
		f.verifier, err = auth.FromSecret(s.JWTSecretFile)
	case s.JWTPublicKeyFile != "":
		setting = "jwt-public-key-file"
		f.verifier, err = auth.FromPublicKey(s.JWTPublicKeyFile)
	case s.JWKSURL != "":
		setting = "jwks-url"
		if strings.HasPrefix(s.JWKSURL, "http:") {
			f.given.Logger.Warn("--jwks-url is not https: who is on the way to the issuer can forge tokens", "event_type", "start")
		}
		f.verifier, err = auth.FromURL(ctx, s.JWKSURL, func(err error) {
			f.given.Logger.Warn("the keys of --jwks-url could not be fetched; those that are known stay", "event_type", "access", "error", err.Error())
		})
	}
	if err != nil {
		return fmt.Errorf("--%s: %w", setting, err)
	}
	return nil
}

// warnReadable warns of a secret that everybody on the machine can read.
func (f *Front) warnReadable(setting, path string) {
	const others = 0o004
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&others != 0 && runtime.GOOS != "windows" {
		f.given.Logger.Warn("everybody on this machine can read the file of --"+setting+": chmod 600 keeps it secret", "event_type", "start", "file", path)
	}
}

// identify returns who sends a request; nil where access is open.
func (f *Front) identify(r *http.Request) (*auth.Identity, *sse.Rejection) {
	if f.verifier == nil {
		return nil, nil
	}
	token, why := f.presented(r)
	if why != nil {
		return nil, why
	}
	who, err := f.verifier.Verify(r.Context(), token)
	var refused *auth.Refused
	switch {
	case err == nil:
		return who, nil
	case errors.As(err, &refused):
		return nil, unauthorized("the token does not count: "+refused.Why, `, error="invalid_token", error_description="`+refused.Why+`"`)
	}
	return nil, &sse.Rejection{Status: http.StatusServiceUnavailable, Type: "keys-unavailable", Title: "Keys unavailable",
		Detail: "the issuer of tokens could not be reached yet, so none can be checked", RetryAfter: Jittered(4 * time.Second)}
}

// presented returns the token of a request: that of the Authorization header,
// else of the query where that is allowed, else of the cookie. What a program
// says itself comes before what its browser adds.
func (f *Front) presented(r *http.Request) (string, *sse.Rejection) {
	if token, ok := auth.Bearer(r); ok {
		return token, nil
	}
	if c := CallerOf(r); c.inQuery && f.given.Settings.AccessTokenQuery {
		return c.queryToken, nil
	}
	token, ok := auth.Cookie(r)
	if !ok {
		return "", unauthorized("send a token: Authorization: Bearer …, or the cookie "+auth.CookieName, "")
	}
	if !ownPage(r, f.given.Settings.CORSOrigins) {
		return "", foreignOrigin()
	}
	return token, nil
}

// ownPage reports whether a request may use a cookie: browsers add it to what
// any page asks for. Pages of the hub's own origin and of the trusted ones
// may, and who is no page.
func ownPage(r *http.Request, trusted []string) bool {
	origin := r.Header.Get("Origin")
	if slices.Contains(trusted, origin) {
		return true
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return true
	case "":
		// Older browsers: they name the origin, at least across origins.
		u, err := url.Parse(origin)
		return origin == "" || err == nil && strings.EqualFold(u.Host, r.Host)
	}
	return false
}

// Subject returns whose request it is: the empty one where access is open.
func (f *Front) Subject(r *http.Request) (string, *sse.Rejection) {
	who, why := f.identify(r)
	if who == nil {
		return "", why
	}
	return who.Subject, nil
}

func unauthorized(detail, challenge string) *sse.Rejection {
	return &sse.Rejection{Status: http.StatusUnauthorized, Type: "unauthorized", Detail: detail, Challenge: realm + challenge}
}

// realm begins a challenge (RFC 6750, section 3).
const realm = `Bearer realm="sluice"`

// forbidden refuses a topic for which the token has no grant.
func forbidden(claim, topic string) *sse.Rejection {
	return &sse.Rejection{Status: http.StatusForbidden, Type: "forbidden",
		Detail:    "the token has no grant for the topic " + topic + ": none of the patterns in its claim " + claim + " matches it",
		Challenge: realm + `, error="insufficient_scope"`}
}

// MayPublish returns the subject that publishes to a valid topic: the
// idempotency keys of one are nothing to another.
func (f *Front) MayPublish(r *http.Request, topic string) (subject string, why *sse.Rejection) {
	who, why := f.identify(r)
	switch {
	case who == nil:
		return "", why
	case !who.MayPublish(topic):
		return "", forbidden("publish", topic)
	}
	return who.Subject, nil
}

// MaySubscribe returns who subscribes to topics; nil where access is open.
func (f *Front) MaySubscribe(r *http.Request, topics []string) (*auth.Identity, *sse.Rejection) {
	who, why := f.identify(r)
	if who == nil {
		return nil, why
	}
	for _, topic := range topics {
		if !who.MaySubscribe(topic) {
			return nil, forbidden("subscribe", topic)
		}
	}
	return who, nil
}
