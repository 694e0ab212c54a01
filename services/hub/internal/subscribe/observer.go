package subscribe

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/logs"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/sse"
)

// observer is told of streams by the sse package; it counts, logs and traces.
// Nothing of it waits; lines have the release that the stream is pinned to.
type observer struct {
	*observability.Metrics // what only counts
	logger                 *slog.Logger
	tracing                *traces.Tracing
	connected              func()
	early                  func(*eventlog.GapError) bool
	events                 *logs.Sampler
}

func (s *Streams) newObserver() *observer {
	return &observer{Metrics: s.Metrics, logger: s.Lines, tracing: s.Tracing, connected: s.Connected, early: s.Early, events: front.NewLineSampler()}
}

// Connected implements sse.Observer.
func (o *observer) Connected(ctx context.Context, c *sse.Conn, outcomes []eventlog.Outcome, at time.Time) {
	f := front.FactsIn(ctx)
	took := at.Sub(f.Began)
	o.Metrics.Connected(c, outcomes)
	o.Answered(front.StreamPath, http.MethodGet, http.StatusOK, took, f.Exemplar())
	o.connected()
	words := make([]string, len(outcomes))
	for i, outcome := range outcomes {
		words[i] = string(outcome)
	}
	f.Connecting.End(traces.Connect{
		End: at, Method: http.MethodGet, Route: front.StreamPath, Protocol: protocols[c.Transport], Status: http.StatusOK, Remote: c.Remote,
		Topics: c.Topics, Outcomes: words, ConnectionID: c.ID, Release: c.Release, Transport: string(c.Transport),
	})
	o.logger.Info("stream opened", append(about("sse_connect", c, c.Topics...), "outcome", strings.Join(words, ","),
		"remote", c.Remote, "http_status", http.StatusOK, "duration_ms", front.Milliseconds(took))...)
}

// protocols are the versions of HTTP that transports stand for.
var protocols = map[sse.Transport]string{sse.HTTP1: "1.1", sse.HTTP2: "2"}

// Replayed implements sse.Observer.
func (o *observer) Replayed(c *sse.Conn, r sse.Replay) {
	o.Metrics.Replayed(c, r)
	o.tracing.Replay(refOf(c.Trace), traces.Replay{Start: r.Began, End: r.Began.Add(r.Took), Topic: r.Topic, Tier: string(r.Tier), Events: r.Events})
	o.logger.Info("stream was given what it had missed", append(about("sse_replay", c, r.Topic),
		"events", r.Events, "tier", r.Tier, "duration_ms", front.Milliseconds(r.Took))...)
}

// Gap implements sse.Observer.
func (o *observer) Gap(c *sse.Conn, gap *eventlog.GapError) {
	early := o.early(gap)
	o.Metrics.Gap(gap, early)
	level := slog.LevelWarn
	if early || gap.Cause == eventlog.Damaged {
		level = slog.LevelError
	}
	o.logger.Log(context.Background(), level, "stream was told of missing events",
		append(about("sse_gap", c, gap.Topic), "cause", gap.Cause, "early", early, "error", gap.Error())...)
}

// Failed implements sse.Observer.
func (o *observer) Failed(topic string, err error) {
	o.logger.Error("reading for a stream failed; it will be tried again", "event_type", "sse_error", "topic", topic, "error", err.Error())
}

// Disconnected implements sse.Observer.
func (o *observer) Disconnected(c *sse.Conn, reason sse.Reason, err error, sent sse.Sent) {
	o.Metrics.Disconnected(c, reason, err, sent)
	o.tracing.Disconnect(traces.Close{Connect: refOf(c.Trace), Opened: c.Opened, Closed: time.Now(), ConnectionID: c.ID, Release: c.Release,
		Topics: c.Topics, Reason: string(reason), Events: sent.Events, Bytes: sent.Bytes, Err: err})
	fields := append(about("sse_disconnect", c, c.Topics...), "reason", reason, "duration_ms", time.Since(c.Opened).Milliseconds(),
		"events", sent.Events, "bytes", sent.Bytes)
	if err != nil {
		fields = append(fields, "error", err.Error())
	}
	o.logger.Info("stream ended", fields...)
}

func about(eventType string, c *sse.Conn, topics ...string) []any {
	fields := []any{"event_type", eventType, "trace_id", c.Trace.String(), "topic", strings.Join(topics, ","), "connection_id", c.ID, "release", c.Release}
	if c.Trace.Sampled {
		fields = append(fields, "span_id", hex.EncodeToString(c.Trace.Span[:]))
	}
	if c.Client != "" {
		fields = append(fields, "client_id", c.Client)
	}
	return fields
}
