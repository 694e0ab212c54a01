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
	topic  string
	record []byte // with the body, but without its place yet
	answer chan answer
}

type answer struct {
	id  eventlog.ID
	err error
}

// Append implements [eventlog.Store]. It copies the body once, so that it can
// return as soon as ctx ends, whatever becomes of the event.
func (s *Store) Append(ctx context.Context, name string, e eventlog.Entry) (eventlog.ID, error) {
	if ctx.Err() != nil {
		return eventlog.ID{}, context.Cause(ctx)
	}
	r := &request{topic: name, record: newRecord(e.Body), answer: make(chan answer, 1)}
	if err := s.enqueue(ctx, r); err != nil {
		return eventlog.ID{}, err
	}
	select {
	case a := <-r.answer:
		return a.id, a.err
	case <-ctx.Done():
		return eventlog.ID{}, context.Cause(ctx)
	}
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
