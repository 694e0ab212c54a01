package sse

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// replay is a topic's way from where a stream resumed to the head as it was at
// the handshake.
type replay struct {
	of     *sub
	next   *replay // of another topic of the stream
	until  eventlog.ID
	began  time.Time
	events uint64
	tier   Tier
}

// beginReplay makes a topic of a handshake count what it replays.
func (s *stream) beginReplay(u *sub, until eventlog.ID) {
	s.replays = &replay{of: u, next: s.replays, until: until, began: time.Now(), tier: TierMemory}
}

// replay returns the topic's, nil where it is over.
func (s *stream) replay(u *sub) *replay {
	r := s.replays
	for r != nil && r.of != u {
		r = r.next
	}
	return r
}

// counted returns how the first so many events of a span count. A cursor that
// is past its replay has only live ones.
func (s *stream) counted(u *sub, span eventlog.Span, events int) counts {
	r := s.replay(u)
	switch {
	case u.own:
		return counts{}
	case r == nil:
		return counts{live: uint32(events)}
	}
	replayed := events
	for replayed > 0 && r.until.Less(span.Event(replayed-1).ID) {
		replayed--
	}
	r.events += uint64(replayed)
	c := counts{live: uint32(events - replayed)}
	if span.Block == u.page {
		r.tier = TierStore
		c.store = uint32(replayed)
	} else {
		c.memory = uint32(replayed)
	}
	return c
}

// endReplays ends those that are over: everything has been accepted.
func (s *server) endReplays(m *meta, st *stream, remote string) {
	for at := &st.replays; *at != nil; {
		r := *at
		if r.of.At.Less(r.until) {
			at = &r.next
			continue
		}
		*at = r.next
		if o := s.h.Observer; o != nil {
			c := m.describe(s.h, remote, st)
			told := Replay{Topic: r.of.Topic.Name(), Tier: r.tier, Events: r.events, Began: r.began, Took: time.Since(r.began)}
			s.notices.post(func() { o.Replayed(c, told) })
		}
	}
}

// path is what a delivery of an event is part of.
func (s *stream) path(u *sub, id eventlog.ID) Path {
	if r := s.replay(u); r != nil && !r.until.Less(id) {
		return PathReplay
	}
	return PathLive
}
