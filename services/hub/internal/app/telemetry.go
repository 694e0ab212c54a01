package app

import (
	"context"
	"io"
	"time"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/logs"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/figures"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/hub/internal/publish"
	"github.com/sluice-stream/sluice/services/sse"
)

// serviceName is the hub's in all telemetry.
const serviceName = "hub"

// openTelemetry begins to count, to log and to record spans.
func (h *hub) openTelemetry(stdout io.Writer) error {
	h.measure()
	if err := h.openLogs(stdout); err != nil {
		return err
	}
	err := h.openTracing(stdout)
	if err != nil {
		h.closeTelemetry()
	}
	return err
}

// measure begins to count. The sources are asked once the hub serves.
func (h *hub) measure() {
	s := &h.settings
	h.began = time.Now()
	h.classes = figures.NewClasses(s.TopicClasses)
	h.metrics = observability.New(h.registry, observability.Options{
		Version: s.Version, Release: s.Release, Releases: s.Releases,
		Classes: h.classes.Names(), Class: func(topic string) string { return h.classes.Of(topic).Name },
		Backend: s.Store,
		Routes:  front.Routes(),
		From: observability.Sources{
			Streams:  func() sse.Stats { return h.streams.Handler.Stats() },
			Groups:   func() map[sse.Group]int { return h.streams.Handler.Groups() },
			Behind:   func() map[string]sse.Behind { return h.figures.Behind() },
			Stress:   func() int { return h.figures.Stress() },
			Log:      func() observability.LogFigures { return h.kept.Figures() },
			Account:  func() map[string]eventlog.Account { return h.figures.Counted() },
			Disk:     h.diskFigures,
			Draining: h.draining.Load,
			Breakers: map[string]func() int{publish.BreakerName: func() int { return h.publisher.BreakerState() }},
			Queues: map[string]func() int{
				observability.SignalLogs:   func() int { return h.logs.Depth() },
				observability.SignalTraces: func() int { return h.tracing.Depth() },
			},
		},
	})
}

// openLogs begins to log: to standard output, and to Loki where one is named.
func (h *hub) openLogs(stdout io.Writer) (err error) {
	h.logs, err = logs.New(logs.Options{
		Out:         stdout,
		LokiURL:     h.settings.LokiURL,
		Service:     serviceName,
		Environment: h.settings.Environment,
		Dropped:     h.metrics.Dropped(observability.SignalLogs),
		Sent:        h.metrics.Sent(observability.SignalLogs),
	})
	if err != nil {
		return err
	}
	h.lines = h.logs.Logger()
	h.logger = h.lines.With("release", h.settings.Release)
	return nil
}

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

// telemetryGrace is how long the end may wait for the backends of telemetry.
const telemetryGrace = 2 * time.Second

// closeTelemetry sends what waits, as far as there is time.
func (h *hub) closeTelemetry() {
	ctx, cancel := context.WithTimeout(context.Background(), telemetryGrace)
	defer cancel()
	if h.tracing != nil {
		h.tracing.Close(ctx)
	}
	h.logs.Close(ctx)
}
