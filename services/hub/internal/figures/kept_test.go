package figures

import (
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// What a client may miss are events that are gone, however young or old those
// are that are there.
func TestHeadroom(t *testing.T) {
	now := time.Now()
	ago := func(d time.Duration) eventlog.ID { return eventlog.ID{MS: uint64(now.Add(-d).UnixMilli())} }
	born := ago(72 * time.Hour)
	for _, c := range []struct {
		name    string
		state   eventlog.State
		room    time.Duration
		trimmed bool
	}{
		{"nothing is gone", eventlog.State{Born: born, Trimmed: born, Oldest: ago(time.Minute), Last: ago(time.Minute)}, 0, false},
		{"a quiet topic's last event, of two days ago, is gone", eventlog.State{Born: born, Trimmed: ago(48 * time.Hour), Oldest: ago(time.Second), Last: ago(time.Second)}, 48 * time.Hour, true},
		{"all is gone", eventlog.State{Born: born, Trimmed: ago(48 * time.Hour), Last: ago(48 * time.Hour)}, 48 * time.Hour, true},
		{"a busy topic has an hour", eventlog.State{Born: born, Trimmed: ago(time.Hour), Oldest: ago(time.Hour - time.Second), Last: ago(0)}, time.Hour, true},
	} {
		room, trimmed := headroom(c.state, now)
		if trimmed != c.trimmed || (room-c.room).Abs() > time.Second {
			t.Errorf("%s: %v, %v", c.name, room, trimmed)
		}
	}
}
