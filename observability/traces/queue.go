package traces

import (
	"context"
	"fmt"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/sluice-stream/sluice/observability/outbox"
)

// Bounds of the spans that wait. OTEL_BSP_MAX_QUEUE_SIZE replaces the first.
// A batch that is being sent (512 spans, or OTEL_BSP_MAX_EXPORT_BATCH_SIZE, so
// never more bytes than these) is beside them, twice: as spans and as encoded.
// The bytes are estimated.
const (
	QueueSpans = 2048
	QueueBytes = 8 << 20
)

// limits returns what one span may hold. The SDK cuts values of attributes, but
// not those of events; they are bounded by the queue alone.
func limits() sdktrace.SpanLimits {
	return sdktrace.SpanLimits{
		AttributeValueLengthLimit:   1024,
		AttributeValueDepthLimit:    8,
		AttributeCountLimit:         64,
		EventCountLimit:             16,
		LinkCountLimit:              16,
		AttributePerEventCountLimit: 16,
		AttributePerLinkCountLimit:  16,
	}
}

// queue is the span processor between the SDK and an exporter.
type queue struct {
	outbox  *outbox.Outbox[queued]
	ledger  *ledger
	backend *backend
}

// queued is a span that waits.
type queued struct {
	span sdktrace.ReadOnlySpan
	size int // so that it is not worked out while the outbox is locked
}

func newQueue(ctx context.Context, o Options) (*queue, error) {
	env := environment(o.Getenv)
	options := outbox.Options[queued]{Bytes: QueueBytes, Size: func(s queued) int { return s.size }}
	var err error
	if options.Items, err = env.number("OTEL_BSP_MAX_QUEUE_SIZE", QueueSpans); err != nil {
		return nil, err
	}
	if options.Batch, err = env.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512); err != nil {
		return nil, err
	}
	if options.Every, err = env.milliseconds(time.Second, "OTEL_BSP_SCHEDULE_DELAY"); err != nil {
		return nil, err
	}
	if options.Timeout, err = env.milliseconds(5*time.Second, "OTEL_BSP_EXPORT_TIMEOUT"); err != nil {
		return nil, err
	}
	q := &queue{ledger: newLedger(o)}
	if q.backend, err = newBackend(ctx, o); err != nil {
		return nil, err
	}
	options.Send = q.backend.send
	options.Dropped = q.ledger.dropped
	options.Sent = func(spans int) {
		refused := q.backend.refused()
		q.ledger.dropped(outbox.Rejected, refused)
		q.ledger.sent(spans - refused)
	}
	q.outbox = outbox.New(options)
	return q, nil
}

// OnStart implements sdktrace.SpanProcessor.
func (q *queue) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd implements sdktrace.SpanProcessor.
func (q *queue) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.SpanContext().IsSampled() && q.ledger.ended() {
		q.outbox.Put(queued{s, sizeOf(s)})
	}
}

// ForceFlush implements sdktrace.SpanProcessor: it waits until nothing waits.
func (q *queue) ForceFlush(ctx context.Context) error {
	if !q.ledger.wait(ctx) {
		return fmt.Errorf("waiting for spans to be sent: %w", ctx.Err())
	}
	return nil
}

// Shutdown implements sdktrace.SpanProcessor. [Tracing.Close] has closed the
// queue before it, since the provider would not get here with a context that
// is over.
func (q *queue) Shutdown(context.Context) error { return nil }

// close sends what waits. A tenth of the time is for a send under way to
// notice that it is over.
func (q *queue) close(ctx context.Context) {
	sending, cancel := ctx, context.CancelFunc(func() {})
	if until, ok := ctx.Deadline(); ok {
		sending, cancel = context.WithDeadline(ctx, until.Add(-time.Until(until)/10))
	}
	q.outbox.Close(sending)
	cancel()
	q.ledger.wait(ctx)
	q.ledger.seal()
	q.backend.close(ctx)
}

// sizeOf estimates what a span takes.
func sizeOf(s sdktrace.ReadOnlySpan) int {
	const span, attribute, event = 512, 64, 96
	n := span + len(s.Name()) + len(s.Status().Description) + s.SpanContext().TraceState().Len()*attribute
	for _, a := range s.Attributes() {
		n += attribute + len(a.Key) + sizeOfValue(a.Value)
	}
	for _, e := range s.Events() {
		n += event + len(e.Name)
		for _, a := range e.Attributes {
			n += attribute + len(a.Key) + sizeOfValue(a.Value)
		}
	}
	for _, l := range s.Links() {
		n += event
		for _, a := range l.Attributes {
			n += attribute + len(a.Key) + sizeOfValue(a.Value)
		}
	}
	return n
}
