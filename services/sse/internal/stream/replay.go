package stream

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// replay is a topic's way from where a stream resumed to the head as it was at
// the handshake.
type replay struct {
	of     *Sub
	next   *replay // of another topic of the stream
	until  eventlog.ID
	began  time.Time
	events uint64
	store  bool // a page of the store was read
}

// BeginReplay makes a topic of a handshake count what it replays.
func (s *Stream) BeginReplay(u *Sub, until eventlog.ID) {
	s.replays = &replay{of: u, next: s.replays, until: until, began: time.Now()}
}

// replay returns the topic's, nil where it is over.
func (s *Stream) replay(u *Sub) *replay {
	r := s.replays
	for r != nil && r.of != u {
		r = r.next
	}
	return r
}

// counted returns how the first so many events of a span count. A cursor that
// is past its replay has only live ones.
func (s *Stream) counted(u *Sub, span eventlog.Span, events int) Counts {
	r := s.replay(u)
	switch {
	case u.Own:
		return Counts{}
	case r == nil:
		return Counts{Live: uint32(events)}
	}
	replayed := events
	for replayed > 0 && r.until.Less(span.Event(replayed-1).ID) {
		replayed--
	}
	r.events += uint64(replayed)
	c := Counts{Live: uint32(events - replayed)}
	if span.Block == u.page {
		r.store = true
		c.Store = uint32(replayed)
	} else {
		c.Memory = uint32(replayed)
	}
	return c
}

// Replay is what a stream was sent of the events of a topic that were there at
// its handshake, once that is done.
type Replay struct {
	Topic  string
	Store  bool // a page of the store was read for it
	Events uint64
	Began  time.Time
	Took   time.Duration // from the handshake until the sockets had accepted all
}

// Replaying reports whether there may be replays to be ended.
func (s *Stream) Replaying() bool { return s.replays != nil }

// EndReplay ends one that is over, where everything has been accepted, and
// returns it, or false where none is.
func (s *Stream) EndReplay() (Replay, bool) {
	for at := &s.replays; *at != nil; at = &(*at).next {
		r := *at
		if r.of.At.Less(r.until) {
			continue
		}
		*at = r.next
		return Replay{Topic: r.of.Topic.Name(), Store: r.store, Events: r.events, Began: r.began, Took: time.Since(r.began)}, true
	}
	return Replay{}, false
}

// replaying reports whether a delivery of an event is part of a replay.
func (s *Stream) replaying(u *Sub, id eventlog.ID) bool {
	r := s.replay(u)
	return r != nil && !r.until.Less(id)
}

// Replays reports whether the topic has not ended its replay yet.
func (s *Stream) Replays(u *Sub) bool { return s.replay(u) != nil }
