package subscribe

import (
	"time"

	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/sse"
)

// FannedOut implements sse.Meter: every event counts, traced ones have a span,
// and of both some have a line.
func (o *observer) FannedOut(topic string, events []sse.Fanout) {
	o.Metrics.FannedOut(topic, events)
	for i := range events {
		e := &events[i]
		if len(e.Traceparent) > 0 {
			o.tracedEvent(topic, e)
		} else if o.events.Allow(false) {
			o.logger.Info("event delivered", "event_type", "sse_event", "topic", topic, "id", e.ID.String(),
				"bytes", e.Bytes, "duration_ms", front.Milliseconds(e.Took))
		}
	}
}

func (o *observer) tracedEvent(topic string, e *sse.Fanout) {
	end, text := time.Now(), string(e.Traceparent)
	o.tracing.Fanout(traces.Fanout{Traceparent: text, Start: end.Add(-e.Took), End: end, Topic: topic, ID: e.ID.String(),
		Connections: e.Connections, Bytes: uint64(e.Bytes) * uint64(e.Connections), Lag: e.Lag, Stalled: e.Stalled})
	if !o.events.Allow(true) {
		return
	}
	ref, _ := traces.ParseRef(text)
	o.logger.Info("event delivered", "event_type", "sse_event", "trace_id", ref.TraceID(), "topic", topic, "id", e.ID.String(),
		"bytes", e.Bytes, "connections", e.Connections, "stalled", e.Stalled, "duration_ms", front.Milliseconds(e.Took))
}

// Followed implements sse.Meter.
func (o *observer) Followed(d sse.Delivery) {
	end := time.Now()
	o.tracing.Deliver(traces.Delivery{Traceparent: d.Traceparent, Connect: refOf(d.Conn.Trace), Start: end.Add(-d.Took), End: end,
		Topic: d.Topic, ID: d.ID.String(), ConnectionID: d.Conn.ID, Release: d.Conn.Release,
		Slow: d.Took >= sse.SlowDelivery, Failed: string(d.Failed)})
}
