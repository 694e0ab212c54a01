package stream

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Lag is how far a stream is behind the heads of its topics.
type Lag struct {
	Events int   // that are in memory
	Bytes  int64 // of these, and of an unfinished write
	More   bool  // there are more, in the store only
	Age    time.Duration
}

// behindAge is from which age of its lag on a stream is called behind. Any
// stream has something to be sent at some moments.
const behindAge = time.Second

// Behind tells whether a stream lags by more than the moments that delivery
// takes.
func (l Lag) Behind() bool { return l.Age >= behindAge }

// View returns the view of a topic that a lag is measured by.
type View func(*Sub) *eventlog.View

// AddLag adds what the stream lags, in topics that are not the server's own.
func (s *Stream) AddLag(l *Lag, view View) {
	now := time.Now()
	for i := range s.Subs {
		if u := &s.Subs[i]; !u.Own {
			l.Add(u, view(u), now)
		}
	}
}

// Add adds what one topic lags.
func (l *Lag) Add(u *Sub, v *eventlog.View, now time.Time) {
	d := u.Distance(v)
	l.Events += d.Events
	l.Bytes += d.Bytes
	l.More = l.More || d.More
	if !d.Next.IsZero() {
		l.Age = max(l.Age, now.Sub(time.UnixMilli(int64(d.Next.MS))))
	}
}
