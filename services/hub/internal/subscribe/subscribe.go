package subscribe

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/sse"
)

// Serve answers GET /v1/events, in a span that ends with the first bytes.
func (s *Streams) Serve(c *gin.Context) {
	f := front.FactsIn(c.Request.Context())
	var ctx context.Context
	ctx, f.Connecting = s.Tracing.Connect(c.Request.Context(), f.Trace, s.Handler.ReleaseOf(c.Request), f.Began)
	s.Handler.ServeHTTP(c.Writer, c.Request.WithContext(ctx))
	if f.Stream = c.Request.Method == http.MethodGet && f.Problem == ""; f.Stream {
		return // the observer is told when its first bytes are out
	}
	if f.Status == 0 { // a HEAD
		f.Status = c.Writer.Status()
	}
	f.Connecting.End(connectOf(c.Request, f))
}

// connectOf describes a handshake that is over, as far as its request does.
func connectOf(r *http.Request, f *front.Facts) traces.Connect {
	return traces.Connect{
		End: time.Now(), Method: r.Method, Route: front.StreamPath, Protocol: protocolOf(r), Status: f.Status,
		Remote: f.Address.String(), Problem: f.Problem,
	}
}

func protocolOf(r *http.Request) string {
	if r.ProtoMajor >= 2 {
		return "2"
	}
	return r.Proto[len("HTTP/"):]
}

func (s *Streams) rejected(r *http.Request, why *sse.Rejection) {
	s.Metrics.Rejected(why.Type)
	front.FactsIn(r.Context()).Refuse(why.Status, why.Type)
}

// traceOf returns what connects a stream's later spans with its first.
func traceOf(r *http.Request) sse.Trace {
	ref := front.FactsIn(r.Context()).Connecting.Ref()
	return sse.Trace{ID: ref.ID, Span: ref.Span, Sampled: ref.Sampled}
}

func refOf(t sse.Trace) traces.Ref { return traces.Ref{ID: t.ID, Span: t.Span, Sampled: t.Sampled} }
