package auth

import (
	"net/http"
	"net/url"
	"strings"
)

// CookieName and QueryName are where a token may be next to the header.
const (
	CookieName = "sluice_token"
	QueryName  = "access_token"
)

// Bearer returns the token in the Authorization header (RFC 6750, section
// 2.1), and whether there is one: other schemes are not for the hub.
func Bearer(r *http.Request) (token string, ok bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// Cookie returns the token in the cookie, and whether there is one. Browsers
// send the cookie of the most specific path first; that one counts.
func Cookie(r *http.Request) (token string, ok bool) {
	if r.Header["Cookie"] == nil {
		return "", false
	}
	c, err := r.Cookie(CookieName)
	if err != nil {
		return "", false
	}
	return c.Value, true
}

// CutQuery takes the token from a query, and returns what is left of it: what
// is written down of an address has no token then, whether or not the hub
// takes one from there. The first of several counts.
func CutQuery(query string) (rest, token string, ok bool) {
	if !mayHold(query) {
		return query, "", false
	}
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err != nil || plain != QueryName {
			kept = append(kept, pair)
			continue
		}
		if !ok {
			// What cannot be unescaped is refused as a token later on.
			if plain, err := url.QueryUnescape(value); err == nil {
				value = plain
			}
			token, ok = value, true
		}
	}
	return strings.Join(kept, "&"), token, ok
}

// mayHold reports whether a query could have the token in it: most do not.
func mayHold(query string) bool {
	return strings.Contains(query, QueryName) || strings.Contains(query, "%")
}
