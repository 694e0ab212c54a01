package sse

import (
	"testing"
	"time"
)

// A topic that grew while the loop rested must be served even where the rest
// was over before the loop came to sleep: nobody wakes it a second time.
func TestPatienceWithHeldTopics(t *testing.T) {
	l := &loop{began: time.Now().Add(-time.Second), nextGrown: 500 * time.Millisecond, held: true}
	if wait := l.patience(); wait != 0 {
		t.Errorf("a loop whose rest is over sleeps %v", wait)
	}
	l.nextGrown = time.Hour
	if wait := l.patience(); wait <= 0 || wait > time.Hour {
		t.Errorf("a resting loop sleeps %v", wait)
	}
}
