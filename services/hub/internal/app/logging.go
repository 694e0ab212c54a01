package app

import (
	"io"
	"net/http"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/logs"
)

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

// serviceName is the hub's in all telemetry.
const serviceName = "hub"

// logFailure records a publish that we could not serve.
func (h *hub) logFailure(r *http.Request, topic string, status int, err error) {
	h.logger.Error("publish failed", "event_type", "sse_error", "trace_id", traceID(r),
		"topic", topic, "http_status", status, "error", err.Error())
}
