package sse

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// replay is a topic's way from where a stream resumed to the head as it was at
// the handshake.
type replay struct {
	until  eventlog.ID
	began  time.Time
	events uint64
	tier   Tier
}

// beginReplay makes a topic of a handshake count what it replays.
func (s *stream) beginReplay(u *sub, until eventlog.ID) {
	u.replay = &replay{until: until, began: time.Now(), tier: TierMemory}
	s.replays++
}

// counted returns how the first so many events of a span count. A cursor that
// is past its replay has only live ones.
func (u *sub) counted(span eventlog.Span, events int) counts {
	r := u.replay
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
	for i := range st.subs {
		u := &st.subs[i]
		if u.replay == nil || u.At.Less(u.replay.until) {
			continue
		}
		r := *u.replay
		u.replay = nil
		st.replays--
		if o := s.h.Observer; o != nil {
			c := m.describe(s.h, remote, st)
			told := Replay{Topic: u.Topic.Name(), Tier: r.tier, Events: r.events, Began: r.began, Took: time.Since(r.began)}
			s.notices.post(func() { o.Replayed(c, told) })
		}
	}
}

// path is what a delivery of an event is part of.
func (u *sub) path(id eventlog.ID) Path {
	if u.replay != nil && !u.replay.until.Less(id) {
		return PathReplay
	}
	return PathLive
}
