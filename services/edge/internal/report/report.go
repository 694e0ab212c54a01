// Package report makes the three pillars of what nginx says: metrics, lines and
// spans, joined by the trace id.
package report

import (
	"context"
	"encoding/hex"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/observability/logs"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/edge/internal/accesslog"
	"github.com/sluice-stream/sluice/services/edge/internal/nginx"
	"github.com/sluice-stream/sluice/services/handshakes"
)

// Lines a second about what goes well, beside them about what is traced, and
// about what failed: as the hub's own.
const (
	sampledLines = 20
	tracedLines  = 200
	failedLines  = 200
)

// Report takes what nginx says. Request and Error are called by one goroutine
// each, and wait for nothing.
type Report struct {
	metrics *metrics
	tracing *traces.Tracing
	logger  *slog.Logger
	lines   *logs.Sampler
	failed  *logs.Sampler
	own     *logs.Sampler // of nginx's own complaints
	crashed func()
	streams streams
	peers   handshakes.Table // of clients, with TLS
}

// Options are what a report is given.
type Options struct {
	Registry *prometheus.Registry
	Releases []string
	Queues   map[string]func() int // depths of telemetry's queues, by signal
	Crashed  func()                // is told when a worker of nginx has crashed; must not block
}

// New registers the metrics. Telemetry may be opened then: see Use.
func New(o Options) *Report {
	return &Report{
		metrics: newMetrics(o.Registry, o.Releases, o.Queues),
		crashed: o.Crashed,
		lines:   logs.NewSampler(sampledLines, tracedLines),
		failed:  logs.NewSampler(failedLines, tracedLines),
		own:     logs.NewSampler(sampledLines, 0),
	}
}

// Use says where lines and spans go. It belongs before the first request.
func (r *Report) Use(logger *slog.Logger, tracing *traces.Tracing) {
	r.logger, r.tracing = logger, tracing
}

// Dropped and Sent count what became of lines and spans.
func (r *Report) Dropped(signal string) func(string, int) { return r.metrics.Dropped(signal) }

// Sent notes that a backend took something.
func (r *Report) Sent(signal string) func(int) { return r.metrics.Sent(signal) }

// Request takes a line of the access log.
func (r *Report) Request(text []byte) {
	l, ok := accesslog.Parse(string(text))
	if !ok {
		r.Error(text) // before it has a log nginx may write what it likes
		return
	}
	route := routeOf(l.Path)
	if l.Kind == accesslog.Head {
		r.streams.add(l.Worker, 1)
	} else if l.Begun {
		r.streams.add(l.Worker, -1)
		r.log(&l, route, "sse_disconnect")
		return
	}
	r.answered(&l, route)
}

// answered tells of a request whose answer is known.
func (r *Report) answered(l *accesslog.Line, route string) {
	f := forwarded(l, route)
	exemplar := ""
	if r.tracing.Forward(f) {
		exemplar = l.TraceID
	}
	r.shaken(l)
	r.metrics.upstream(l)
	r.metrics.requests.Answered(route, l.Method, l.Status, l.Release, l.Took, exemplar)
	event := "http_request"
	switch route {
	case streamRoute:
		event = "sse_connect"
	case publishRoute:
		event = "sse_publish"
	}
	r.log(l, route, event)
}

func forwarded(l *accesslog.Line, route string) traces.Forwarded {
	f := traces.Forwarded{
		Start: l.At.Add(-l.Took), End: l.At, Method: l.Method, Route: route, Protocol: protocolVersion(l.Protocol),
		Status: l.Status, Remote: l.Client, Topic: l.Topic, Release: l.Release, Connect: -1, Header: -1,
	}
	if n := len(accesslog.Each(l.Upstream)); n > 0 {
		f.Connect, f.Header = l.Connect.At(n-1), l.Header.At(n-1)
	}
	f.Span.Sampled = l.Sampled
	decode(f.Span.ID[:], l.TraceID)
	decode(f.Span.Span[:], l.Span)
	decode(f.Parent[:], l.Parent)
	return f
}

// decode decodes digits, which nginx has checked; others leave zeros.
func decode(to []byte, digits string) {
	if len(digits) == hex.EncodedLen(len(to)) {
		_, _ = hex.Decode(to, []byte(digits))
	}
}

// log writes a line about a request.
func (r *Report) log(l *accesslog.Line, route, event string) {
	level, lines := slog.LevelInfo, r.lines
	if l.Status >= 500 {
		level, lines = slog.LevelError, r.failed
	}
	if !lines.Allow(l.Sampled) {
		return
	}
	fields := []any{"event_type", event, "trace_id", l.TraceID, "span_id", l.Span, "request_id", l.RequestID,
		"route", route, "client", l.Client, "http_status", l.Status, "duration_ms", milliseconds(l.Took), "bytes", l.Bytes}
	for _, f := range []struct{ key, value string }{
		{"topic", l.Topic}, {"release", l.Release}, {"user_agent", l.Agent}, {"upstream", l.Upstream}, {"upstream_status", l.UpstreamStatus},
	} {
		if f.value != "" {
			fields = append(fields, f.key, f.value)
		}
	}
	if n := len(l.Connect); n > 0 && l.Connect[n-1] >= 0 {
		fields = append(fields, "upstream_connect_ms", milliseconds(l.Connect[n-1]))
	}
	r.logger.Log(context.Background(), level, l.Method+" "+l.Path, fields...)
}

// levels are nginx's names of them, from the least.
var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "notice": slog.LevelInfo, "warn": slog.LevelWarn,
}

// Error takes a line of the error log.
func (r *Report) Error(text []byte) {
	m := nginx.ParseError(text)
	level, known := levels[m.Level]
	if !known {
		level = slog.LevelError
	}
	// What runs out is told as a warning first.
	if f := m.Fault(); f != "" && (!known || f != nginx.FaultOther) {
		r.metrics.faults[f].Inc()
	}
	if m.Crashed() {
		r.crashed()
	}
	if level < slog.LevelWarn && !r.failedHandshake(m) || !r.own.Allow(false) {
		return // with TLS nginx tells of each connection that is closed, too
	}
	fields := []any{"event_type", "nginx"}
	if m.Client != "" {
		fields = append(fields, "client", m.Client)
	}
	r.logger.Log(context.Background(), level, m.Text, fields...)
}
