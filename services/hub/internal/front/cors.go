package front

import (
	"net/http"
	"slices"
	"strings"

	"github.com/sluice-stream/sluice/services/hub/internal/settings"
)

// What pages of other origins may send and read (Fetch, section 3.3).
var (
	corsHeaders = []string{"authorization", "content-type", "last-event-id", "idempotency-key",
		"x-event-type", "x-event-key", "x-release-version", "x-topic-lease", "x-trace-env", "x-heartbeat", "if-match", "if-none-match",
		"traceparent", "tracestate", "uber-trace-id", "baggage", "sentry-trace", // what instrumented pages add to every request
		"cache-control", "pragma", "x-requested-with"} // and clients of their own accord
	corsMethods = []string{"GET, HEAD, POST, PUT, PATCH, DELETE"}
	corsExpose  = []string{"X-Trace-Id, Retry-After, Last-Event-ID, X-Release-Version, X-Health-Score, ETag, Location"}
	corsMaxAge  = []string{"7200"} // seconds; the most that Chromium takes
	corsTrue    = []string{"true"}
)

// shared lets pages of the given origins use what next serves, and answers
// preflights itself: those carry no token. The headers are set before next
// answers, a stream as well.
func shared(origins []string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		origin := r.Header.Get("Origin")
		allowed := origin != "" && slices.Contains(origins, origin)
		h := w.Header()
		if len(origins) > 0 {
			h.Add("Vary", "Origin")
		}
		if allowed {
			h["Access-Control-Allow-Origin"] = []string{origin}
			h["Access-Control-Allow-Credentials"] = corsTrue
		}
		asked := r.Header.Get("Access-Control-Request-Method")
		switch {
		case r.Method != http.MethodOptions || origin == "" || asked == "":
			if allowed {
				h["Access-Control-Expose-Headers"] = corsExpose
			}
			next.ServeHTTP(w, r)
		case !allowed:
			Reject(w, r, foreignOrigin())
		default:
			preflight(h, r)
			FactsIn(r.Context()).Status = http.StatusNoContent
			w.WriteHeader(http.StatusNoContent)
		}
	})
}

// preflight says what may follow.
func preflight(h http.Header, r *http.Request) {
	h.Add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers")
	h["Access-Control-Allow-Methods"] = corsMethods
	h["Access-Control-Max-Age"] = corsMaxAge
	if names := allowedHeaders(r.Header.Values("Access-Control-Request-Headers")); names != "" {
		h["Access-Control-Allow-Headers"] = []string{names}
	}
}

// allowedHeaders returns those of the requested headers that may be sent. The
// attributes of CloudEvents have a prefix in common, for which the protocol
// has no word.
func allowedHeaders(requested []string) string {
	var names []string
	for _, field := range requested {
		for name := range strings.SplitSeq(field, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			if slices.Contains(corsHeaders, name) || strings.HasPrefix(name, "ce-") && strings.Trim(name, settings.NameBytes) == "" {
				names = append(names, name)
			}
		}
	}
	return strings.Join(names, ", ")
}
