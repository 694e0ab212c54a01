package observability

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// stores are figures of what the log is kept in.
type stores struct {
	operations map[string]operation
}

type operation struct {
	duration prometheus.Observer
	errors   prometheus.Counter
}

// The operations of a store.
const (
	opAppend      = "append"
	opAppendBatch = "append_batch"
	opRead        = "read"
)

func newStores(r prometheus.Registerer, backend string) stores {
	duration := histograms("sse_store_operation_duration_seconds", "Time that operations of the store took, successful or not.", latencyBuckets, "backend", "operation")
	failures := counters("sse_store_errors_total", "Operations of the store that failed by its own fault.", "backend", "operation")
	s := stores{map[string]operation{}}
	for _, name := range []string{opAppend, opAppendBatch, opRead} {
		s.operations[name] = operation{duration.WithLabelValues(backend, name), failures.WithLabelValues(backend, name)}
	}
	r.MustRegister(duration, failures)
	return s
}

// Observed returns a store that is measured.
func (s *stores) Observed(store eventlog.Store) eventlog.Store {
	return &observedStore{store, s}
}

func (s *stores) done(name string, began time.Time, err error) {
	o := s.operations[name]
	o.duration.Observe(time.Since(began).Seconds())
	if storeFault(err) {
		o.errors.Inc()
	}
}

// storeFault tells what a store failed at from what it refused, and from who
// gave up waiting.
func storeFault(err error) bool {
	var gap *eventlog.GapError
	switch {
	case err == nil, errors.As(err, &gap), eventlog.Refused(err), errors.Is(err, eventlog.ErrClosed), errors.Is(err, context.Canceled):
		return false
	}
	return true
}

type observedStore struct {
	eventlog.Store
	stores *stores
}

// Unwrap returns the store itself.
func (o *observedStore) Unwrap() eventlog.Store { return o.Store }

// Append implements eventlog.Store.
func (o *observedStore) Append(ctx context.Context, topic string, entries []eventlog.Entry) []eventlog.Result {
	began := time.Now()
	results := o.Store.Append(ctx, topic, entries)
	var fault error
	for i := range results {
		if storeFault(results[i].Err) {
			fault = results[i].Err
		}
	}
	name := opAppend
	if len(entries) > 1 {
		name = opAppendBatch
	}
	o.stores.done(name, began, fault)
	return results
}

// Read implements eventlog.Store.
func (o *observedStore) Read(ctx context.Context, topic string, after, until eventlog.ID, visit func(eventlog.Event) bool) error {
	began := time.Now()
	err := o.Store.Read(ctx, topic, after, until, visit)
	o.stores.done(opRead, began, err)
	return err
}
