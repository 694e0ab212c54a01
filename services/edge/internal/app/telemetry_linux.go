package app

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/logs"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/edge/internal/report"
)

// serviceName is the edge's in all telemetry.
const serviceName = "edge"

// telemetryGrace is how long the end may wait for the backends of telemetry.
const telemetryGrace = 2 * time.Second

// telemetry is where lines and spans go.
type telemetry struct {
	logs    *logs.Logs
	logger  *slog.Logger
	tracing *traces.Tracing
}

// open begins to count, to log and to make spans.
func (e *edge) open(getenv func(string) string, stdout io.Writer) (err error) {
	e.report = report.New(report.Options{Registry: e.registry, Releases: e.Releases, Queues: map[string]func() int{
		observability.SignalLogs:   func() int { return e.logs.Depth() },
		observability.SignalTraces: func() int { return e.tracing.Depth() },
	}, Crashed: e.crash})
	e.logs, err = logs.New(logs.Options{
		Out: stdout, LokiURL: e.LokiURL, Service: serviceName, Environment: e.Environment,
		Dropped: e.report.Dropped(observability.SignalLogs), Sent: e.report.Sent(observability.SignalLogs),
	})
	if err != nil {
		return err
	}
	e.logger = e.logs.Logger()
	host, _ := os.Hostname() // empty says nothing
	e.tracing, err = traces.Start(context.Background(), traces.Options{
		Exporter: e.TraceExporter, Ratio: e.TraceRatio, Getenv: getenv,
		Service: serviceName, Node: host, Environment: e.Environment, Stdout: stdout,
		Dropped: e.report.Dropped(observability.SignalTraces), Sent: e.report.Sent(observability.SignalTraces),
		Failed: func(err error) {
			e.logger.Warn("spans cannot be sent; it will be tried again", "event_type", "telemetry", "error", err.Error())
		},
	})
	if err != nil {
		e.close()
		return err
	}
	e.report.Use(e.logger, e.tracing)
	return nil
}

// close sends what waits, as far as there is time.
func (e *edge) close() {
	ctx, cancel := context.WithTimeout(context.Background(), telemetryGrace)
	defer cancel()
	if e.tracing != nil {
		e.tracing.Close(ctx)
	}
	e.logs.Close(ctx)
}
