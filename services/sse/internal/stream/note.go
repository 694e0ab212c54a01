package stream

// Note takes down how far the stream has come in a pass. A topic of it is live
// from when it is at the head until the socket is full, or a reader of the store
// is asked: then its position counts for the Least of its feed.
func (s *Stream) Note(stalled bool) {
	for i := range s.Subs {
		u := &s.Subs[i]
		switch {
		case u.Own:
			continue
		case stalled || u.fetching:
			u.current = false
			continue
		case !u.current:
			u.current = !u.Behind(&u.Feed.view)
		}
		if u.current && u.At.Less(u.Feed.Least) {
			u.Feed.Least = u.At
		}
	}
}

// Current reports whether the topic has come to the head, and neither fallen
// below the hot tail nor stalled since.
func (u *Sub) Current() bool { return u.current }

// Arrived notes whether the topic is at the head of a pass.
func (u *Sub) Arrived(pass uint64) bool {
	u.current = !u.Behind(u.Feed.Look(pass))
	return u.current
}
