package pebblelog

import (
	"sync/atomic"
	"time"
)

// watch is what the database's own goroutines say of it.
type watch struct {
	damage  chan error // one slot: what a compaction met
	errors  atomic.Uint64
	stalls  atomic.Uint64
	stalled atomic.Int64 // nanoseconds in all
	since   atomic.Int64 // when the stall under way began; 0: none is
}

// corrupt keeps the first damage that was not seen to yet.
func (w *watch) corrupt(err error) {
	select {
	case w.damage <- err:
	default:
	}
}

func (w *watch) failed(error) { w.errors.Add(1) }

func (w *watch) stall() {
	w.stalls.Add(1)
	w.since.Store(time.Now().UnixNano())
}

func (w *watch) stallEnd() {
	if since := w.since.Swap(0); since != 0 {
		w.stalled.Add(time.Now().UnixNano() - since)
	}
}

// duration returns how long appends have waited, with the stall under way.
func (w *watch) duration() time.Duration {
	d := w.stalled.Load()
	if since := w.since.Load(); since != 0 {
		d += time.Now().UnixNano() - since
	}
	return time.Duration(d)
}
