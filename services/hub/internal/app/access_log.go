package app

import (
	"context"
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
	if quietRoutes[f.route] && f.status == http.StatusOK || !h.accessLines.Allow(f.trace.Sampled()) {
		return
	}
	level, event := slog.LevelInfo, "http_request"
	if f.status >= 500 {
		level = slog.LevelWarn
	}
	if f.route == publishPath {
		event = "sse_publish"
	}
	fields := []any{"event_type", event, "trace_id", f.trace.TraceID(), "method", r.Method, "route", f.route,
		"http_status", f.status, "duration_ms", milliseconds(took), "remote", f.address.String()}
	if f.problem != "" {
		fields = append(fields, "problem", f.problem)
	}
	if f.topic != "" {
		fields = append(fields, "topic", f.topic, "id", f.published)
	}
	h.logger.Log(context.Background(), level, "request answered", fields...)
}

// quietRoutes are asked all the time.
var quietRoutes = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true}
