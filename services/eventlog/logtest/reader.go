package logtest

import (
	"bytes"
	"context"
	"errors"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// sweepBytes is small enough that sweeps end in the middle of blocks.
const sweepBytes = 4 << 10

// Reader follows one topic as a delivery loop does: it takes views, reads
// spans, fetches pages when it stands elsewhere, and waits to be woken.
type Reader struct {
	log    *eventlog.Log
	cursor eventlog.Cursor
	wake   signal
	Events []Event
	Gaps   []*eventlog.GapError

	numbers []uint64 // of the events in their topic
}

// signal is a wake-up that carries nothing.
type signal chan struct{}

func (s signal) Wake() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// NewReader begins to follow a topic after a position. Close ends that.
func NewReader(log *eventlog.Log, topic string, after eventlog.ID) *Reader {
	r := &Reader{log: log, wake: make(signal, 1)}
	r.cursor = eventlog.Cursor{Topic: log.Follow(topic), At: after}
	r.cursor.Topic.Watch(r.wake)
	return r
}

// Close ends what NewReader began.
func (r *Reader) Close() {
	r.cursor.Topic.Unwatch(r.wake)
	r.log.Leave(r.cursor.Topic)
}

// CatchUp reads to the head.
func (r *Reader) CatchUp(ctx context.Context) error {
	for ctx.Err() == nil {
		view := r.cursor.Topic.View()
		span, where := r.cursor.Next(&view, sweepBytes)
		switch where {
		case eventlog.AtHead:
			return nil
		case eventlog.Resident:
			r.take(span)
		case eventlog.Elsewhere:
			if err := r.fetch(ctx); err != nil {
				return err
			}
		}
	}
	return context.Cause(ctx)
}

// Follow reads until it has n events or ctx ends.
func (r *Reader) Follow(ctx context.Context, n int) error {
	for {
		if err := r.CatchUp(ctx); err != nil {
			return err
		}
		if len(r.Events) >= n {
			return nil
		}
		select {
		case <-r.wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (r *Reader) fetch(ctx context.Context) error {
	b, err := r.log.Fetch(ctx, r.cursor)
	if gap := (*eventlog.GapError)(nil); errors.As(err, &gap) {
		r.Gaps = append(r.Gaps, gap)
		r.cursor.At = gap.Through
		return nil
	}
	if err != nil || b == nil {
		return err
	}
	defer b.Unpin()
	for {
		span, where := r.cursor.NextIn(b, sweepBytes)
		if where != eventlog.Resident {
			return nil
		}
		r.take(span)
	}
}

func (r *Reader) take(s eventlog.Span) {
	for i := range s.Events {
		r.numbers = append(r.numbers, s.Number+uint64(i))
	}
	s.Each(func(id eventlog.ID, fields []byte) bool {
		r.Events = append(r.Events, Event{ID: id, Body: append(bytes.Clone(fields), '\n')})
		return true
	})
	r.cursor.At = s.Last
}
