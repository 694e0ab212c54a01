package pebblelog

import (
	"fmt"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Start implements [eventlog.Store].
func (s *Store) Start(sink eventlog.Sink) (map[string]eventlog.State, error) {
	s.sink = sink
	states := make(map[string]eventlog.State, len(s.planned))
	for name, t := range s.planned {
		states[name] = t.State
	}
	go s.run()
	go s.confirm()
	go s.retain()
	return states, nil
}

// run is the committer: the one goroutine that decides and writes.
func (s *Store) run() {
	defer close(s.committed)
	for {
		select {
		case r := <-s.queue:
			s.commit(s.gather(r))
		case step := <-s.steps:
			s.take(step)
		case err := <-s.watch.damage:
			s.heal(err)
		case <-s.stop:
			s.finish()
			return
		}
	}
}

// finish commits what is left in the queue, which nothing is put into any more.
func (s *Store) finish() {
	for {
		select {
		case r := <-s.queue:
			s.commit(s.gather(r))
		case step := <-s.steps:
			s.take(step)
		case <-s.retained:
			if len(s.queue) == 0 {
				return
			}
		}
	}
}

func (s *Store) now() time.Time {
	if s.options.Now != nil {
		return s.options.Now()
	}
	return time.Now()
}

// Close implements [eventlog.Store]. What is in the queue is still committed.
func (s *Store) Close() error {
	s.closing.Lock()
	already := s.closed
	s.closed = true
	s.closing.Unlock()
	if already {
		<-s.confirmed
		return nil
	}
	close(s.stop)
	if s.sink == nil { // never started
		close(s.committed)
		close(s.confirmed)
	}
	if !s.wait(s.committed) {
		return nil
	}
	if s.sink != nil {
		close(s.flying)
	}
	if !s.wait(s.confirmed) {
		return nil
	}
	return s.closeDatabase()
}

// wait waits for a goroutine to end; false: the store is broken, and the
// database may hold on to it until the process ends.
func (s *Store) wait(ended chan struct{}) bool {
	select {
	case <-ended:
		return s.failure() == nil
	case <-s.failed:
		return false
	}
}

// closeDatabase closes the database. What is only in its log is read from there
// at the next start.
func (s *Store) closeDatabase() error {
	s.asked.Lock()
	s.shut = true
	s.asked.Unlock()
	s.disk.armed.Store(false) // nothing is acknowledged any more anyway
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close the database: %w", err)
	}
	return nil
}

// Keys returns what is remembered of idempotency keys.
func (s *Store) Keys() eventlog.KeyStats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys.Stats()
}
