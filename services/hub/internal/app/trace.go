package app

import (
	"context"
	"net/http"
	"time"

	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/admission"
)

// facts are what is found out about every request.
type facts struct {
	caller
	trace traces.Incoming
	began time.Time

	// Owned by the request's goroutine.
	route      string      // its template; empty: none
	status     int         // of the answer, or of the rejection that a stream carries; 0: not known yet
	problem    string      // type of a rejection
	topic      string      // that was published to
	published  eventlog.ID // of the last event that was; zero: none was
	span       [8]byte     // of that publish; zero: none is recorded
	connecting traces.Connecting
	stream     bool // it became a stream
}

type factsKey struct{}

// traced gives every request its trace and every answer its X-Trace-Id, finds
// out where the request comes from, and counts the answer.
func (h *hub) traced(proxies admission.Proxies, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := &facts{trace: h.tracing.Request(r.Header), began: time.Now()}
		w.Header()["X-Trace-Id"] = []string{f.trace.TraceID()}
		r = r.WithContext(context.WithValue(r.Context(), factsKey{}, f))
		f.caller = callerIn(r, proxies)
		defer func() {
			if !f.stream {
				h.answered(r, f)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// factsIn returns the facts of a request that went through traced, by its
// context; else some that say nothing.
func factsIn(ctx context.Context) *facts {
	if f, ok := ctx.Value(factsKey{}).(*facts); ok {
		return f
	}
	return &facts{}
}

// traceID returns the trace id of a request.
func traceID(r *http.Request) string { return factsIn(r.Context()).trace.TraceID() }

// exemplar is the trace id where there is something to be found under it.
func (f *facts) exemplar() string {
	if f.trace.Sampled() {
		return f.trace.TraceID()
	}
	return ""
}

// refuse notes why a request was turned away.
func (f *facts) refuse(status int, problem string) { f.status, f.problem = status, problem }
