package stream

import "github.com/sluice-stream/sluice/services/eventlog"

// Sub is one topic of a stream.
type Sub struct {
	eventlog.Cursor
	Feed   *Feed           // set by the driver before the first piece
	page   *eventlog.Block // pinned while the cursor reads below the hot tail
	Member int32           // place among the members of the feed, for the driver
	Own    bool            // the topic is the server's own: outside all counts

	expected expected // which event should come
	lacking  bool     // what follows is neither here nor asked for
	fetching bool     // a reader of the store has been asked for it
	current  bool     // it has come to the head, and its socket has not been full since
}

// Stream is what a connection reads: a cursor in each of its topics.
type Stream struct {
	Subs []Sub

	turn    int     // which topic is first in the next piece
	replays *replay // of topics that have not ended it yet
}

// Behind reports whether a topic has something after its cursor that can be
// written, or that nobody has been asked for.
func (s *Stream) Behind(pass uint64) bool {
	for i := range s.Subs {
		u := &s.Subs[i]
		view := u.Feed.Look(pass)
		if !u.Behind(view) {
			continue
		}
		if !u.fetching {
			return true
		}
		// It may have become resident since it was asked for.
		if _, where := u.Next(view, 1); where == eventlog.Resident {
			return true
		}
	}
	return false
}

// Follows reports whether a stream is on a topic.
func (s *Stream) Follows(topic string) bool {
	for i := range s.Subs {
		if s.Subs[i].Topic.Name() == topic {
			return true
		}
	}
	return false
}

// Topics returns the names of a stream's topics.
func (s *Stream) Topics() []string {
	names := make([]string, len(s.Subs))
	for i := range s.Subs {
		names[i] = s.Subs[i].Topic.Name()
	}
	return names
}

// Drop gives up the pages that the stream holds.
func (s *Stream) Drop() {
	for i := range s.Subs {
		s.Subs[i].dropPage()
	}
}

// PinsEvicted reports whether the stream holds a page that nobody else needs.
func (s *Stream) PinsEvicted() bool {
	for i := range s.Subs {
		if page := s.Subs[i].page; page != nil && page.Evicted() {
			return true
		}
	}
	return false
}
