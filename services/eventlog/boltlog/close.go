package boltlog

import "fmt"

// Close implements [eventlog.Store]. What is in the queue is still committed.
func (s *Store) Close() error {
	s.closing.Lock()
	already := s.closed
	s.closed = true
	s.closing.Unlock()
	if already {
		<-s.stopped
		return nil
	}
	close(s.stop)
	if s.sink == nil { // never started
		close(s.stopped)
	}
	<-s.stopped
	if s.broken != nil {
		return s.file.Close() // bbolt would wait for a lock that a panic left behind
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close the data file: %w", err)
	}
	return nil
}
