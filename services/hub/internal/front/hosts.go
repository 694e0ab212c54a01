package front

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/sluice-stream/sluice/services/hub/internal/settings"
	"github.com/sluice-stream/sluice/services/sse"
)

// knownHosts refuses requests for a name that is not the hub's. A web page can
// make its own name mean any address (DNS rebinding), a loopback one too, and
// is then of one origin with what answers there: its requests need no CORS,
// and no token where none is wanted. They carry the page's name all the same.
// So addresses, which nobody can rebind, and names of loopback pass, and else
// only the names that are allowed.
func knownHosts(allowed []string, next http.Handler) http.Handler {
	names := map[string]bool{}
	for _, name := range allowed {
		if name == settings.AnyHost {
			return next
		}
		names[strings.ToLower(name)] = true
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if host := hostName(r.Host); !names[host] && !ownName(host) {
			Reject(w, r, &sse.Rejection{Status: http.StatusForbidden, Type: "host-not-allowed", Title: "Host not allowed",
				Detail: "the hub does not know itself by the name in the Host header: reach it by its address, or start it with --allowed-host and that name"})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostName returns the name or address in a Host header, in lower case.
func hostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i > strings.LastIndexByte(host, ']') && strings.Trim(host[i+1:], "0123456789") == "" {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// ownName reports whether no page can have a name: those of loopback, which
// browsers resolve themselves (RFC 6761, section 6.3), addresses, and none,
// which no browser sends.
func ownName(host string) bool {
	if host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	_, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return err == nil
}

// sameOrigin refuses what pages of other origins, but for the trusted ones,
// would change. What they would read, browsers keep from them.
func sameOrigin(trusted []string, next http.Handler) http.Handler {
	p := http.NewCrossOriginProtection()
	for _, origin := range trusted {
		_ = p.AddTrustedOrigin(origin) // one that it did not take would stay out
	}
	p.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { Reject(w, r, foreignOrigin()) }))
	return p.Handler(next)
}

// foreignOrigin is the answer to pages that may not use the hub.
func foreignOrigin() *sse.Rejection {
	return &sse.Rejection{Status: http.StatusForbidden, Type: "cross-origin", Title: "Cross-origin request refused",
		Detail: "the hub's clients do not include pages of this origin: --cors-origin names those that may use it"}
}
