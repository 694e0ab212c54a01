package publish

import (
	"context"
	"net/http"
	"time"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
)

// appending returns the context of an append, and its span, which ends with
// appended. It goes on when the caller hangs up: the event may be committed
// already.
func (p *Publisher) appending(r *http.Request) (context.Context, context.CancelFunc, traces.Publishing) {
	ctx, span := p.Tracing.Publish(context.WithoutCancel(r.Context()), front.FactsIn(r.Context()).Trace, p.Settings.Release, time.Now())
	ctx, cancel := context.WithTimeout(ctx, p.Times.Append)
	return ctx, cancel, span
}

// appended is what an append came to.
type appended struct {
	receipt eventlog.Receipt // of the last event that is in the log
	bytes   int              // of the data, together
	batch   int              // how many events; 0: it was not a batch
	asked   time.Time        // when the store was asked
	err     error
}

// appended ends the span of an append, and measures the publish so far: the
// answer is all that is left of it.
func (p *Publisher) appended(r *http.Request, span traces.Publishing, topic string, a appended) {
	f := front.FactsIn(r.Context())
	p.Metrics.PublishTook(time.Since(f.Began), f.Exemplar())
	end := traces.Published{End: time.Now(), Topic: topic, Bytes: a.bytes, Batch: a.batch, Err: a.err, Store: p.Settings.Store, Asked: a.asked}
	switch {
	case a.err != nil:
		end.Outcome = string(outcomeOf(front.RejectionOf(a.err)))
	case a.receipt.Duplicate:
		end.Outcome = string(observability.Duplicate)
	default:
		end.Outcome = string(observability.Accepted)
	}
	f.Topic, f.Published = topic, a.receipt.ID
	if span.Recorded() {
		f.Span = span.Ref().Span
		if !a.receipt.ID.IsZero() {
			end.ID = a.receipt.ID.String()
		}
	}
	span.End(end)
}

// logFailure records a publish that we could not serve.
func (p *Publisher) logFailure(r *http.Request, topic string, status int, err error) {
	p.Logger.Error("publish failed", "event_type", "sse_error", "trace_id", front.TraceID(r),
		"topic", topic, "http_status", status, "error", err.Error())
}
