package app

import (
	"context"
	"net/http"
	"time"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/eventlog"
)

// appending returns the context of an append, and its span, which ends with
// appended. It goes on when the caller hangs up: the event may be committed
// already.
func (h *hub) appending(r *http.Request) (context.Context, context.CancelFunc, traces.Publishing) {
	ctx, span := h.tracing.Publish(context.WithoutCancel(r.Context()), factsIn(r.Context()).trace, h.settings.Release, time.Now())
	ctx, cancel := context.WithTimeout(ctx, h.times.append)
	return ctx, cancel, span
}

// appended is what an append came to.
type appended struct {
	receipt eventlog.Receipt // of the last event that is in the log
	bytes   int              // of the data, together
	batch   int              // how many events; 0: it was not a batch
	err     error
}

// appended ends the span of an append, and measures the publish so far: the
// answer is all that is left of it.
func (h *hub) appended(r *http.Request, span traces.Publishing, topic string, a appended) {
	f := factsIn(r.Context())
	h.metrics.PublishTook(time.Since(f.began), f.exemplar())
	p := traces.Published{End: time.Now(), Topic: topic, Bytes: a.bytes, Batch: a.batch, Err: a.err}
	switch {
	case a.err != nil:
		p.Outcome = string(outcomeOf(rejectionOf(a.err)))
	case a.receipt.Duplicate:
		p.Outcome = string(observability.Duplicate)
	default:
		p.Outcome = string(observability.Accepted)
	}
	f.topic, f.published = topic, a.receipt.ID
	if span.Recorded() {
		f.span = span.Ref().Span
		if !a.receipt.ID.IsZero() {
			p.ID = a.receipt.ID.String()
		}
	}
	span.End(p)
}
