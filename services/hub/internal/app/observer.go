package app

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// observer is told of streams by the sse package; it logs and counts. The
// logger's queue keeps it from blocking; its lines have the release that the
// stream is pinned to.
type observer struct {
	logger  *slog.Logger
	metrics *observability.Metrics
	tidier  *tidier
}

func (o *observer) Connected(c *sse.Conn, outcomes []eventlog.Outcome) {
	o.metrics.Connected(c, outcomes)
	o.tidier.connected()
	words := make([]string, len(outcomes))
	for i, outcome := range outcomes {
		words[i] = string(outcome)
	}
	o.logger.Info("stream opened", append(about("sse_connect", c, c.Topics...), "outcome", strings.Join(words, ","),
		"remote", c.Remote, "http_status", http.StatusOK)...)
}

func (o *observer) Gap(c *sse.Conn, gap *eventlog.GapError) {
	o.metrics.Gap(c, gap)
	level := slog.LevelWarn
	if gap.Cause == eventlog.Damaged {
		level = slog.LevelError
	}
	o.logger.Log(context.Background(), level, "stream was told of missing events",
		append(about("sse_gap", c, gap.Topic), "cause", gap.Cause, "error", gap.Error())...)
}

func (o *observer) Failed(topic string, err error) {
	o.logger.Error("reading for a stream failed; it will be tried again", "event_type", "sse_error", "topic", topic, "error", err.Error())
}

func (o *observer) Disconnected(c *sse.Conn, reason sse.Reason, err error, sent sse.Sent) {
	o.metrics.Disconnected(c, reason, err, sent)
	fields := append(about("sse_disconnect", c, c.Topics...), "reason", reason, "duration_ms", time.Since(c.Opened).Milliseconds(),
		"events", sent.Events, "bytes", sent.Bytes)
	if err != nil {
		fields = append(fields, "error", err.Error())
	}
	o.logger.Info("stream ended", fields...)
}

func about(eventType string, c *sse.Conn, topics ...string) []any {
	fields := []any{"event_type", eventType, "trace_id", c.TraceID, "topic", strings.Join(topics, ","), "connection_id", c.ID, "release", c.Release}
	if c.Client != "" {
		fields = append(fields, "client_id", c.Client)
	}
	return fields
}
