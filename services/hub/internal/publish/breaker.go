package publish

import (
	"context"
	"errors"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/admission"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
)

// BreakerName is the name of the breaker of publishing, which is the one
// route that waits for the store: a subscription is answered from memory, and
// what it reads later is tried again in its stream.
const BreakerName = "publish"

func (p *Publisher) newBreaker() *admission.Breaker {
	return admission.NewBreaker(admission.BreakerOptions{
		Name:     BreakerName,
		Failures: p.Settings.BreakerFailures,
		Open:     p.Settings.BreakerOpen,
		Failed:   storeFailed,
		Changed: func(to string, cause error) {
			p.Metrics.BreakerChanged(BreakerName, to)
			fields := []any{"event_type", "breaker", "breaker", BreakerName, "to", to}
			if cause != nil {
				p.Logger.Error("the store fails: publishes are refused for "+p.Settings.BreakerOpen.String(), append(fields, "error", cause.Error())...)
				return
			}
			p.Logger.Info("the breaker has changed", fields...)
		},
	})
}

// BreakerState tells the state of the breaker, as its metric has it.
func (p *Publisher) BreakerState() int { return p.breaker.State() }

// storeFailed reports whether an append failed, or took too long, by the
// store's fault.
func storeFailed(err error) bool {
	return !errors.Is(err, errRemembered) && !eventlog.Refused(err) && !errors.Is(err, eventlog.ErrClosed) && !errors.Is(err, context.Canceled) && front.RejectionOf(err).Status >= 500
}

// append appends one event, unless the breaker is open.
func (p *Publisher) append(ctx context.Context, topic string, e eventlog.Entry) (receipt eventlog.Receipt, err error) {
	err = p.breaker.Do(func() (err error) {
		if receipt, err = p.Log.Append(ctx, topic, e); err == nil && receipt.Duplicate {
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
func (p *Publisher) appendAll(ctx context.Context, topic string, entries []eventlog.Entry) ([]eventlog.Result, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	var results []eventlog.Result
	err := p.breaker.Do(func() error {
		results = p.Log.AppendAll(ctx, topic, entries)
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
