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

// Figures say how the database is.
type Figures struct {
	TableBytes, LogBytes int64 // on the disk
	// FreeBytes are free on the disk, of which appends leave ReserveBytes; 0:
	// the system does not say.
	FreeBytes, ReserveBytes  int64
	LogWritten, TableWritten uint64 // bytes since the store was opened
	DebtBytes                int64  // that compactions have to rewrite
	ReadAmplification        int    // tables that a read may have to look into
	Stalls                   uint64 // times that appends had to wait for the database
	Stalled                  time.Duration
	Failures                 uint64 // of flushes and compactions
}

// Figures returns them; nothing of a store that is closed, or that can't go on:
// its database may never answer.
func (s *Store) Figures() Figures {
	s.asked.RLock()
	defer s.asked.RUnlock()
	if s.shut || s.failure() != nil {
		return Figures{}
	}
	m := s.db.Metrics()
	written := m.Total()
	f := Figures{
		TableBytes:        int64(m.DiskSpaceUsage() - m.WAL.PhysicalSize - m.WAL.ObsoletePhysicalSize),
		LogBytes:          int64(max(m.WAL.PhysicalSize, m.WAL.Size) + m.WAL.ObsoletePhysicalSize),
		LogWritten:        m.WAL.BytesWritten,
		TableWritten:      written.TableBytesFlushed + written.TableBytesCompacted,
		DebtBytes:         int64(m.Compact.EstimatedDebt),
		ReadAmplification: m.ReadAmp(),
		Stalls:            s.watch.stalls.Load(),
		Stalled:           s.watch.duration(),
		Failures:          s.watch.errors.Load(),
	}
	if usage, err := s.options.fs.GetDiskUsage(s.dir); err == nil {
		f.FreeBytes, f.ReserveBytes = int64(usage.AvailBytes), int64(s.space.least(usage))
	}
	return f
}
