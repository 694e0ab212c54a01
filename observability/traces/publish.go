package traces

import (
	"context"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Published is an append that is over.
type Published struct {
	End     time.Time
	Topic   string
	ID      string // of the last event, empty where none was appended
	Bytes   int    // of the data, together
	Batch   int    // how many events; 0: it was not a batch
	Outcome string // as metrics have it
	Err     error
	Store   string    // that was asked to append, empty: none was
	Asked   time.Time // when it was
}

// Publishing is an append under way.
type Publishing struct {
	t      *Tracing
	span   trace.Span // nil: not chosen
	caller Ref
}

// Publish begins an sse.publish. The append gets the context that is returned.
// It has to be ended.
func (t *Tracing) Publish(ctx context.Context, in Incoming, release string, start time.Time) (context.Context, Publishing) {
	p := Publishing{t: t, caller: in.parent}
	if !in.chosen {
		return in.Context(ctx, release), p
	}
	ctx, p.span = in.begin(ctx, SpanPublish, release, [8]byte{}, trace.WithSpanKind(trace.SpanKindProducer), trace.WithTimestamp(start))
	return ctx, p
}

// Recorded reports whether what End is told is kept.
func (p Publishing) Recorded() bool { return p.span != nil }

// Ref returns the span that readers of the event are to name: this one, or
// where nothing is exported the caller's.
func (p Publishing) Ref() Ref {
	if p.span != nil {
		if r := refOf(p.span.SpanContext()); r.Sampled {
			return r
		}
	}
	return p.caller
}

// Traceparent returns the text to keep with the event: nothing where the trace
// is not sampled.
func (p Publishing) Traceparent() string { return p.Ref().Traceparent() }

// End ends the span, with that of the store below it.
func (p Publishing) End(d Published) {
	if p.span == nil {
		return
	}
	if d.Store != "" {
		a := attributes{semconv.DBSystemNameKey.String(clean(d.Store)), semconv.DBOperationName("append")}
		a.text(semconv.MessagingDestinationNameKey, d.Topic)
		p.t.below(p.span, made{name: SpanStore, kind: trace.SpanKindClient, start: d.Asked, end: d.End, attributes: a, err: d.Err})
	}
	a := messaging("publish", semconv.MessagingOperationTypeSend, d.Topic, d.ID)
	a.text(outcomeKey, d.Outcome)
	a.add(semconv.MessagingMessageBodySize(d.Bytes))
	if d.Batch > 0 {
		a.add(semconv.MessagingBatchMessageCount(d.Batch))
	}
	p.span.SetAttributes(a...)
	fail(p.span, d.Err, "")
	p.span.End(trace.WithTimestamp(d.End))
}

// Fanout is an event that was attempted to be written to every stream.
type Fanout struct {
	Traceparent string    // the event's; nothing is made of an event without
	Start, End  time.Time // from the append on
	Topic       string
	ID          string
	Connections int           // that it was written to
	Bytes       uint64        // to all of them
	Lag         time.Duration // of the stream that was furthest behind
	Stalled     int           // streams whose sockets were full
}

// Fanout makes an sse.fanout below a sampled publish, once for each.
func (t *Tracing) Fanout(f Fanout) {
	publish, ok := ParseRef(f.Traceparent)
	if !ok || !publish.Sampled || t.sampler.never || !t.budget.fanout(publish) {
		return
	}
	a := messaging("fanout", semconv.MessagingOperationTypeProcess, f.Topic, f.ID)
	a.add(connectionsKey.Int(f.Connections), fannedBytesKey.Int64(int64(f.Bytes)),
		lagKey.Float64(f.Lag.Seconds()), stalledKey.Int(f.Stalled))
	t.child(publish, made{name: SpanFanout, kind: trace.SpanKindInternal, start: f.Start, end: f.End, attributes: a})
}
