package boltlog

import (
	"context"
	"runtime"

	"github.com/sluice-stream/sluice/services/eventlog"
)

const (
	queueLen   = 1024    // appends that wait for the committer; more wait to be queued
	batchLen   = 4096    // events of one commit
	batchBytes = 8 << 20 // and their bytes, but for the last
)

// request is one append in the queue.
type request struct {
	topic   string
	record  []byte              // with the body, but without its place yet
	key     *eventlog.KeyRecord // nil: it has none; without its place yet
	receipt eventlog.Receipt    // set before the answer
	answer  chan error
}

// Append implements [eventlog.Store]. It copies the body once, so that it can
// return as soon as ctx ends, whatever becomes of the event.
func (s *Store) Append(ctx context.Context, name string, e eventlog.Entry) (eventlog.Receipt, error) {
	r, err := s.submit(ctx, name, e)
	if err != nil {
		return eventlog.Receipt{}, err
	}
	return r.wait(ctx)
}

// AppendAll implements [eventlog.Batcher]: the queue's order is the order of
// the ids, so all can be in it before the first is committed.
func (s *Store) AppendAll(ctx context.Context, name string, entries []eventlog.Entry) []eventlog.Result {
	results := make([]eventlog.Result, len(entries))
	requests := make([]*request, len(entries))
	for i, e := range entries {
		requests[i], results[i].Err = s.submit(ctx, name, e)
	}
	for i, r := range requests {
		if results[i].Err == nil {
			results[i].Receipt, results[i].Err = r.wait(ctx)
		}
	}
	return results
}

// submit puts an append into the queue.
func (s *Store) submit(ctx context.Context, name string, e eventlog.Entry) (*request, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	r := newRequest(name, e)
	return r, s.enqueue(ctx, r)
}

// wait returns the answer, or that of ctx if it ends first.
func (r *request) wait(ctx context.Context) (eventlog.Receipt, error) {
	select {
	case err := <-r.answer:
		if err != nil {
			return eventlog.Receipt{}, err
		}
		return r.receipt, nil
	case <-ctx.Done():
		return eventlog.Receipt{}, context.Cause(ctx)
	}
}

func newRequest(topic string, e eventlog.Entry) *request {
	r := &request{topic: topic, record: newRecord(e.Body), answer: make(chan error, 1)}
	if i := e.Idempotency; i != nil {
		r.key = &eventlog.KeyRecord{Key: i.In(topic), Fingerprint: i.Fingerprint}
	}
	return r
}

func (s *Store) enqueue(ctx context.Context, r *request) error {
	s.closing.RLock()
	defer s.closing.RUnlock()
	if s.closed {
		return eventlog.ErrClosed
	}
	select {
	case s.queue <- r:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// gather takes what else is in the queue into a batch that r begins.
func (s *Store) gather(r *request) []*request {
	runtime.Gosched() // to publishers that were just answered and have more
	batch := []*request{r}
	for bytes := len(r.record); len(batch) < batchLen && bytes < batchBytes; {
		select {
		case r := <-s.queue:
			batch = append(batch, r)
			bytes += len(r.record)
		default:
			return batch
		}
	}
	return batch
}
