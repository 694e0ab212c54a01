package probe

import "time"

// stream is what is known of the stream that a target's events are read from.
// It has no clock either.
type stream struct {
	asked  time.Time // since when the request for it is out; zero: none is
	opened time.Time // since when it is open; zero: it isn't
	broke  time.Time // when it broke last, other than by the hub's announced end
}

// connecting notes a request, or another one after one that had no answer.
func (s *stream) connecting(at time.Time) {
	if s.asked.IsZero() {
		s.asked = at
	}
}

func (s *stream) open(at time.Time) { s.asked, s.opened = time.Time{}, at }

// refused notes an attempt that failed. One that was just not answered leaves
// things as they are.
func (s *stream) refused(noAnswer bool) {
	if !noAnswer {
		s.asked = time.Time{}
	}
}

// ended notes the end of an open stream.
func (s *stream) ended(announced bool, at time.Time) {
	s.opened = time.Time{}
	if !announced {
		s.broke = at
	}
}

// openSince reports whether the stream has been open from t on.
func (s *stream) openSince(t time.Time) bool { return !s.opened.IsZero() && s.opened.Before(t) }

// unanswered returns for how long the request has had no answer; 0 where none
// is out.
func (s *stream) unanswered(now time.Time) time.Duration {
	if s.asked.IsZero() {
		return 0
	}
	return now.Sub(s.asked)
}
