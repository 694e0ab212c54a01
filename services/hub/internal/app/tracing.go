package app

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/sse"
)

// openTracing begins to record spans.
func (h *hub) openTracing(stdout io.Writer) (err error) {
	s := &h.settings
	h.tracing, err = traces.Start(context.Background(), traces.Options{
		Exporter:    s.TraceExporter,
		Ratio:       s.TraceRatio,
		Getenv:      s.Getenv,
		Service:     serviceName,
		Version:     s.Version,
		Node:        s.Node,
		Release:     s.Release,
		Environment: s.Environment,
		Stdout:      stdout,
		Dropped:     h.metrics.Dropped(observability.SignalTraces),
		Sent:        h.metrics.Sent(observability.SignalTraces),
		Failed: func(err error) {
			h.logger.Warn("spans cannot be sent; it will be tried again", "event_type", "sse_error", "error", err.Error())
		},
	})
	return err
}

// subscribe answers GET /v1/events, in a span that ends with the first bytes.
func (h *hub) subscribe(c *gin.Context) {
	f := factsIn(c.Request.Context())
	var ctx context.Context
	ctx, f.connecting = h.tracing.Connect(c.Request.Context(), f.trace, h.streams.ReleaseOf(c.Request), f.began)
	h.streams.ServeHTTP(c.Writer, c.Request.WithContext(ctx))
	if f.stream = c.Request.Method == http.MethodGet && f.problem == ""; f.stream {
		return // the observer is told when its first bytes are out
	}
	if f.status == 0 { // a HEAD
		f.status = c.Writer.Status()
	}
	f.connecting.End(connectOf(c.Request, f))
}

// connectOf describes a handshake that is over, as far as its request does.
func connectOf(r *http.Request, f *facts) traces.Connect {
	return traces.Connect{
		End: time.Now(), Method: r.Method, Route: streamPath, Protocol: protocolOf(r), Status: f.status,
		Remote: f.address.String(), Problem: f.problem,
	}
}

func protocolOf(r *http.Request) string {
	if r.ProtoMajor >= 2 {
		return "2"
	}
	return r.Proto[len("HTTP/"):]
}

func (h *hub) streamRejected(r *http.Request, why *sse.Rejection) {
	h.metrics.Rejected(why.Type)
	factsIn(r.Context()).refuse(why.Status, why.Type)
}

// streamTrace returns what connects a stream's later spans with its first.
func streamTrace(r *http.Request) sse.Trace {
	ref := factsIn(r.Context()).connecting.Ref()
	return sse.Trace{ID: ref.ID, Span: ref.Span, Sampled: ref.Sampled}
}

func refOf(t sse.Trace) traces.Ref { return traces.Ref{ID: t.ID, Span: t.Span, Sampled: t.Sampled} }
