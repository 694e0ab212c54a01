package boltlog

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

const (
	retainEvery = time.Second
	retainAgain = 5 * time.Millisecond // while there is more to delete

	// The list of free pages is written with every commit while it is no longer
	// than this. Above, writing it would cost more than the events; it is then
	// written at Close, and only a crash makes the next start look for the free
	// pages in the whole file.
	maxFreelist = 1 << 15
)

// run is the committer: the one goroutine that writes.
func (s *Store) run() {
	defer close(s.stopped)
	retain := time.NewTimer(0)
	defer retain.Stop()
	for {
		select {
		case r := <-s.queue:
			s.commit(s.gather(r))
		case <-retain.C:
			if s.retain() {
				retain.Reset(retainAgain)
			} else {
				retain.Reset(retainEvery)
			}
		case <-s.stop:
			s.finish()
			return
		}
	}
}

// finish commits what is left in the queue, which nothing is put into any
// more, and the list of free pages.
func (s *Store) finish() {
	for {
		select {
		case r := <-s.queue:
			s.commit(s.gather(r))
			continue
		default:
		}
		break
	}
	if s.db.NoFreelistSync && !s.stale {
		s.db.NoFreelistSync = false
		// Failing this only makes the next start slower.
		_ = s.update(func(tx *bbolt.Tx) error { return s.putMeta(tx, s.floor) })
	}
}

// write runs a transaction that ends with the store's clock.
func (s *Store) write(b *batch) error {
	stats := s.db.Stats()
	// Looking for the free pages is nothing to ask of bbolt in a damaged file.
	s.db.NoFreelistSync = stats.FreePageN+stats.PendingPageN > s.maxFreelist && !s.suspect.Load() && !s.asides
	return s.update(func(tx *bbolt.Tx) error {
		t := buckets(tx)
		if err := b.put(t); err != nil {
			return err
		}
		if err := b.keys.put(tx, t.aside); err != nil {
			return fmt.Errorf("idempotency keys: %w", err)
		}
		return s.putMeta(tx, b.floor)
	})
}
