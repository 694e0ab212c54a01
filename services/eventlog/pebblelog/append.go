package pebblelog

import (
	"bytes"
	"context"
	"runtime"

	"github.com/sluice-stream/sluice/services/eventlog"
)

const (
	queueLen   = 1024    // appends that wait for the committer; more wait to be queued
	groupLen   = 4096    // entries of one commit, but for the last append
	groupBytes = 4 << 20 // and their bytes
	flying     = 16      // commits on their way to the disk
)

// request is one append in the queue.
type request struct {
	topic   string
	entries []eventlog.Entry  // with data of their own
	results []eventlog.Result // final when answered
	bytes   int
	answer  chan struct{} // closed with the answer
}

// Append implements [eventlog.Store]. It copies the data once, so that it can
// return as soon as ctx ends, whatever becomes of the entries.
func (s *Store) Append(ctx context.Context, topic string, entries []eventlog.Entry) []eventlog.Result {
	if ctx.Err() != nil {
		return eventlog.FailAll(len(entries), context.Cause(ctx))
	}
	r := newRequest(topic, entries)
	if err := s.enqueue(ctx, r); err != nil {
		return eventlog.FailAll(len(entries), err)
	}
	select {
	case <-r.answer:
		return r.results
	case <-s.failed:
		return eventlog.FailAll(len(entries), failed(s.failure()))
	case <-ctx.Done():
		return eventlog.FailAll(len(entries), context.Cause(ctx))
	}
}

func newRequest(topic string, entries []eventlog.Entry) *request {
	r := &request{
		topic:   topic,
		entries: append([]eventlog.Entry(nil), entries...),
		results: make([]eventlog.Result, len(entries)),
		answer:  make(chan struct{}),
	}
	for i := range r.entries {
		e := &r.entries[i]
		e.Data = bytes.Clone(e.Data)
		r.bytes += len(e.Data)
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
	case <-s.failed:
		return failed(s.failure())
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// gather takes what else is in the queue into a group that r begins.
func (s *Store) gather(r *request) []*request {
	if s.crowd {
		runtime.Gosched() // to publishers that were just answered and have more
	}
	group := s.waiting([]*request{r})
	s.crowd = len(group) > 1
	return group
}

func (s *Store) waiting(group []*request) []*request {
	for n, bytes := len(group[0].entries), group[0].bytes; n < groupLen && bytes < groupBytes; {
		select {
		case r := <-s.queue:
			group = append(group, r)
			n += len(r.entries)
			bytes += r.bytes
		default:
			return group
		}
	}
	return group
}

// fail answers a request with one error for all of its entries.
func (r *request) fail(err error) {
	for i := range r.results {
		r.results[i] = eventlog.Result{Err: err}
	}
	close(r.answer)
}
