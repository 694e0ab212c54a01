package front

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/sluice-stream/sluice/services/sse"
)

// Bounds of a token, in bytes.
const (
	minToken = 16
	maxToken = 4 << 10
)

// token is what a caller has to know, as a hash: comparing hashes takes the
// same time whatever is compared, of whatever length.
type token [sha256.Size]byte

// readToken reads the token of a setting from a file, without the space
// around it.
func readToken(setting, path string) (*token, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--%s: %w: write a token to that file, such as openssl rand -hex 32 makes", setting, err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	if err != nil {
		return nil, fmt.Errorf("--%s: %w", setting, err)
	}
	text := strings.TrimSpace(string(content))
	switch {
	case len(content) > maxToken:
		err = fmt.Errorf("is longer than %d bytes", maxToken)
	case len(text) < minToken:
		err = fmt.Errorf("holds a token of %d bytes, and %d are the least that cannot be guessed", len(text), minToken)
	case strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' }):
		err = errors.New("holds more than one word of visible ASCII")
	default:
		t := token(sha256.Sum256([]byte(text)))
		return &t, nil
	}
	return nil, fmt.Errorf("--%s: %s %w: write one to it such as openssl rand -hex 32 makes", setting, path, err)
}

// presented reports whether a request bears the token (RFC 6750, section 2.1).
func (t *token) presented(r *http.Request) bool {
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	given := sha256.Sum256([]byte(strings.TrimSpace(text)))
	return subtle.ConstantTimeCompare(given[:], t[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

// open reports whether a path of the admin listener wants no token: those who
// ask there are often simple.
func open(path string) bool {
	return path == "/healthz" || path == "/readyz" || path == "/metrics"
}

// guard lets only requests with the token through, but to the open paths.
func (t *token) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !open(r.URL.Path) && !t.presented(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="sluice admin"`)
			Reject(w, r, &sse.Rejection{Status: http.StatusUnauthorized, Type: "unauthorized",
				Detail: "send the token of --admin-token-file: Authorization: Bearer …"})
			return
		}
		next.ServeHTTP(w, r)
	})
}
