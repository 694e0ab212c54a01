package app

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/admission"
	"github.com/sluice-stream/sluice/services/sse"
)

// publishBreaker is the name of the breaker of publishing, which is the one
// route that waits for the store: a subscription is answered from memory, and
// what it reads later is tried again in its stream.
const publishBreaker = "publish"

func (h *hub) newBreaker() *admission.Breaker {
	return admission.NewBreaker(admission.BreakerOptions{
		Name:     publishBreaker,
		Failures: h.settings.BreakerFailures,
		Open:     h.settings.BreakerOpen,
		Failed:   storeFailed,
		Changed: func(to string, cause error) {
			h.metrics.BreakerChanged(publishBreaker, to)
			fields := []any{"event_type", "breaker", "breaker", publishBreaker, "to", to}
			if cause != nil {
				h.logger.Error("the store fails: publishes are refused for "+h.settings.BreakerOpen.String(), append(fields, "error", cause.Error())...)
				return
			}
			h.logger.Info("the breaker has changed", fields...)
		},
	})
}

// storeFailed reports whether an append failed, or took too long, by the
// store's fault.
func storeFailed(err error) bool {
	return !errors.Is(err, errRemembered) && !errors.Is(err, eventlog.ErrClosed) && !errors.Is(err, context.Canceled) && rejectionOf(err).Status >= 500
}

// append appends one event, unless the breaker is open.
func (h *hub) append(ctx context.Context, topic string, e eventlog.Entry) (receipt eventlog.Receipt, err error) {
	err = h.breaker.Do(func() (err error) {
		if receipt, err = h.events.Append(ctx, topic, e); err == nil && receipt.Duplicate {
			return errRemembered
		}
		return err
	})
	if errors.Is(err, errRemembered) {
		err = nil
	}
	return receipt, err
}

// errRemembered: an event that was in the log already is answered from memory,
// which says nothing of the store.
var errRemembered = errors.New("answered from memory")

// appendAll appends the events of a batch, unless the breaker is open: then,
// and only then, it answers with an error.
func (h *hub) appendAll(ctx context.Context, topic string, entries []eventlog.Entry) ([]eventlog.Result, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var results []eventlog.Result
	err := h.breaker.Do(func() error {
		results = h.events.AppendAll(ctx, topic, entries)
		return verdict(results)
	})
	if refused := (*admission.Refused)(nil); errors.As(err, &refused) {
		return nil, refused
	}
	return results, nil
}

// verdict is what a batch says of the store: nothing is wrong with it where
// one event was stored, and it failed where it failed every one that was not
// answered from memory or refused.
func verdict(results []eventlog.Result) error {
	var failed, other error
	for i := range results {
		switch err := results[i].Err; {
		case err == nil && results[i].Receipt.Duplicate:
			other = errRemembered
		case err == nil:
			return nil
		case storeFailed(err):
			failed = err
		default:
			other = err
		}
	}
	if failed != nil {
		return failed
	}
	return other
}

// breakerOpen answers what an open breaker refuses.
func breakerOpen(r *admission.Refused) *sse.Rejection {
	return &sse.Rejection{Status: 429, Type: "breaker-open", Title: "Store unavailable",
		Detail: "the store has failed several times in a row and is given a rest", RetryAfter: max(r.After, time.Second)}
}
