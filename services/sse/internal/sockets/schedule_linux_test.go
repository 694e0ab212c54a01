package sockets

import (
	"testing"
	"time"
)

// A topic that grew while the loop rested must be served even where the rest
// was over before the loop came to sleep: nobody wakes it a second time.
func TestPatienceWithHeldTopics(t *testing.T) {
	s := &schedule{nextGrown: 500 * time.Millisecond, held: true}
	if wait := s.patience(time.Second, time.Hour); wait != 0 {
		t.Errorf("a loop whose rest is over sleeps %v", wait)
	}
	s.nextGrown = time.Minute
	if wait := s.patience(time.Second, time.Hour); wait != 59*time.Second {
		t.Errorf("a resting loop sleeps %v", wait)
	}
	if wait := s.patience(time.Second, time.Second); wait != time.Second {
		t.Errorf("a resting loop with something else to do sleeps %v", wait)
	}
}
