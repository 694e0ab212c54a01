package front

import (
	"context"
	"net/http"
	"time"

	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/admission"
)

// Facts are what is found out about every request. Rooms add theirs, on the
// goroutine of the request.
type Facts struct {
	Caller
	Trace traces.Incoming
	Began time.Time

	Status     int         // of the answer, or of the rejection that a stream carries; 0: not known yet
	Problem    string      // type of a rejection
	Topic      string      // that was published to
	Published  eventlog.ID // of the last event that was; zero: none was
	Span       [8]byte     // of that publish; zero: none is recorded
	Connecting traces.Connecting
	Stream     bool // it became a stream, of whose answer its observer tells

	route string // its template; empty: none
}

type factsKey struct{}

// traced gives every request its trace, and every answer its X-Trace-Id and the
// release that gave it, finds out where the request comes from, and counts the answer.
func (f *Front) traced(proxies admission.Proxies, next http.Handler) http.Handler {
	release := []string{f.given.Settings.Release}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		facts := &Facts{Trace: f.given.Tracing.Request(r.Header), Began: time.Now()}
		w.Header()["X-Trace-Id"] = []string{facts.Trace.TraceID()}
		w.Header()["X-Release-Version"] = release
		r = r.WithContext(context.WithValue(r.Context(), factsKey{}, facts))
		facts.Caller = callerIn(r, proxies)
		defer func() {
			if !facts.Stream {
				f.answered(r, facts)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// FactsIn returns the facts of a request that went through traced, by its
// context; else some that say nothing.
func FactsIn(ctx context.Context) *Facts {
	if f, ok := ctx.Value(factsKey{}).(*Facts); ok {
		return f
	}
	return &Facts{}
}

// TraceID returns the trace id of a request.
func TraceID(r *http.Request) string { return FactsIn(r.Context()).Trace.TraceID() }

// Exemplar is the trace id where there is something to be found under it.
func (f *Facts) Exemplar() string {
	if f.Trace.Sampled() {
		return f.Trace.TraceID()
	}
	return ""
}

// Refuse notes why a request was turned away.
func (f *Facts) Refuse(status int, problem string) { f.Status, f.Problem = status, problem }
