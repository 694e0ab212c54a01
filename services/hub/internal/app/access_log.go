package app

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/sluice-stream/sluice/observability/logs"
)

// Lines a second about what goes well, and beside them about what is traced.
// Each kind of line has a budget of its own; what fails is logged elsewhere.
const (
	sampledLines = 20
	tracedLines  = 200
)

func newLineSampler() *logs.Sampler { return logs.NewSampler(sampledLines, tracedLines) }

// routed notes the route and the answer of a request.
func routed(c *gin.Context) {
	f := factsIn(c.Request.Context())
	f.route = c.FullPath()
	c.Next()
	if f.status == 0 {
		f.status = c.Writer.Status()
	}
}

// answered counts an answer, and logs it, or for a publish what was published.
func (h *hub) answered(r *http.Request, f *facts) {
	if f.status == 0 {
		f.status = http.StatusOK
	}
	took := time.Since(f.began)
	h.metrics.Answered(f.route, r.Method, f.status, took, f.exemplar())
	lines, event := h.requestLines, "http_request"
	if f.route == publishPath {
		lines, event = h.publishLines, "sse_publish"
	}
	if quietRoutes[f.route] && f.status == http.StatusOK || !lines.Allow(f.trace.Sampled()) {
		return
	}
	level := slog.LevelInfo
	if f.status >= 500 {
		level = slog.LevelWarn
	}
	fields := []any{"event_type", event, "trace_id", f.trace.TraceID(), "method", r.Method, "route", f.route,
		"http_status", f.status, "duration_ms", milliseconds(took), "remote", f.address.String()}
	if f.problem != "" {
		fields = append(fields, "problem", f.problem)
	}
	if f.span != [8]byte{} {
		fields = append(fields, "span_id", hex.EncodeToString(f.span[:]))
	}
	if f.topic != "" {
		fields = append(fields, "topic", f.topic)
	}
	if !f.published.IsZero() {
		fields = append(fields, "id", f.published.String())
	}
	h.logger.Log(context.Background(), level, "request answered", fields...)
}

// quietRoutes are asked all the time.
var quietRoutes = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true}
