package front

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/logs"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/hub/internal/auth"
	"github.com/sluice-stream/sluice/services/hub/internal/health"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
)

// Options are what a [Front] is given. All are required.
type Options struct {
	Settings *settings.Settings
	Times    settings.Times
	Logger   *slog.Logger
	Tracing  *traces.Tracing
	Metrics  *observability.Metrics
	Health   *health.Monitor
}

// Front stands before the rooms of one hub.
type Front struct {
	given  Options
	Bodies *Bodies

	adminToken   *token         // nil: operators need none
	verifier     *auth.Verifier // nil: access is open
	stopKeys     context.CancelFunc
	certificates *certificates // nil: no TLS

	publishLines, requestLines, peerLines *logs.Sampler
}

// New reads what guards the listeners. Its errors say what to do.
func New(o Options) (*Front, error) {
	f := &Front{given: o, Bodies: newBodies(o.Times.Body),
		publishLines: NewLineSampler(), requestLines: NewLineSampler(), peerLines: NewLineSampler()}
	if err := f.secure(); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// Close ends what keeps the keys of tokens up to date.
func (f *Front) Close() { f.stopKeys() }

// TLS reports whether the listeners speak it.
func (f *Front) TLS() bool { return f.certificates != nil }

// Open reports whether everybody may publish and subscribe.
func (f *Front) Open() bool { return f.verifier == nil }

// Public returns what clients reach, with its routes behind it.
func (f *Front) Public(routes http.Handler) http.Handler {
	s := f.given.Settings
	guarded := sameOrigin(s.CORSOrigins, f.hurried(routes))
	if f.Open() {
		guarded = knownHosts(s.AllowedHosts, guarded) // it stands for as long as access is open
	}
	return f.traced(s.TrustedProxies, f.probed(shared(s.CORSOrigins, guarded)))
}

// Admin returns what operators reach. No page of another origin belongs here:
// the origins of --cors-origin are clients.
func (f *Front) Admin(routes http.Handler) http.Handler {
	guarded := f.hurried(routes)
	if f.adminToken != nil {
		guarded = f.adminToken.guard(guarded)
	} else {
		guarded = knownHosts(f.given.Settings.AllowedHosts, guarded)
	}
	return f.traced(nil, sameOrigin(nil, guarded))
}

// hurried bounds how long the body of a request may take, read or not: what
// a handler leaves unread net/http reads, for the sake of the connection.
func (f *Front) hurried(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 {
			// Every connection of net/http has deadlines.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(f.given.Times.Body))
		}
		next.ServeHTTP(w, r)
	})
}
