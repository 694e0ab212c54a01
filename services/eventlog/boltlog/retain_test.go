package boltlog

import (
	"bytes"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// TestRetainBounded trims a backlog of large events, a part at a time: what a
// transaction reads is held until it ends.
func TestRetainBounded(t *testing.T) {
	const events, size = 60, 1 << 20
	s, _ := committer(t, Options{Retention: eventlog.Retention{Events: 1}})
	for range events {
		r := newRequest("topic", eventlog.Entry{Body: bytes.Repeat([]byte("x"), size)})
		s.commit([]*request{r})
		if err := <-r.answer; err != nil {
			t.Fatal(err)
		}
	}
	// What a pass may read, and the page that it is in the middle of: bbolt has up
	// to four events in one, however large.
	const most = 8<<20 + 4*size
	for before := int64(events); ; {
		more, left := s.retain(), s.topics["topic"].Events
		switch taken := before - left; {
		case taken*size > most:
			t.Fatalf("%d events of %d bytes went at a time", taken, size)
		case !more && left == 1:
			return
		case !more || taken == 0:
			t.Fatalf("it ended with %d events", left)
		}
		before = left
	}
}
