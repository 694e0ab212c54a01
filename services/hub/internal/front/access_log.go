package front

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

// NewLineSampler returns the budget of one kind of line.
func NewLineSampler() *logs.Sampler { return logs.NewSampler(sampledLines, tracedLines) }

// routed notes the route and the answer of a request.
func routed(c *gin.Context) {
	f := FactsIn(c.Request.Context())
	f.route = c.FullPath()
	c.Next()
	if f.Status == 0 {
		f.Status = c.Writer.Status()
	}
}

// answered counts an answer, and logs it, or for a publish what was published.
func (f *Front) answered(r *http.Request, a *Facts) {
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	took := time.Since(a.Began)
	f.given.Metrics.Answered(a.route, r.Method, a.Status, took, a.Exemplar())
	lines, event := f.requestLines, "http_request"
	if a.route == PublishPath {
		lines, event = f.publishLines, "sse_publish"
	}
	if quietRoutes[a.route] && a.Status == http.StatusOK || !lines.Allow(a.Trace.Sampled()) {
		return
	}
	level := slog.LevelInfo
	if a.Status >= 500 {
		level = slog.LevelWarn
	}
	fields := []any{"event_type", event, "trace_id", a.Trace.TraceID(), "method", r.Method, "route", a.route,
		"http_status", a.Status, "duration_ms", Milliseconds(took), "remote", a.Address.String()}
	if a.Problem != "" {
		fields = append(fields, "problem", a.Problem)
	}
	if a.Span != [8]byte{} {
		fields = append(fields, "span_id", hex.EncodeToString(a.Span[:]))
	}
	if a.Topic != "" {
		fields = append(fields, "topic", a.Topic)
	}
	if !a.Published.IsZero() {
		fields = append(fields, "id", a.Published.String())
	}
	f.given.Logger.Log(context.Background(), level, "request answered", fields...)
}

// quietRoutes are asked all the time.
var quietRoutes = map[string]bool{"/healthz": true, "/readyz": true, "/metrics": true}

// Milliseconds keeps the microseconds.
func Milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
