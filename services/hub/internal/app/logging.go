package app

import (
	"io"
	"log/slog"
	"net/http"
)

// logQueueBytes is how much log may wait for a slow reader of standard
// output: some ten thousand lines.
const logQueueBytes = 4 << 20

// newLogger writes JSON lines.
func newLogger(out io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(out, nil)).With("service_name", "hub")
}

// logFailure records a publish that we could not serve.
func (h *hub) logFailure(r *http.Request, topic string, status int, err error) {
	h.logger.Error("publish failed", "event_type", "sse_error", "trace_id", traceOf(r).id,
		"topic", topic, "http_status", status, "error", err.Error())
}
