package stream

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// AppendGap appends the stream.gap of a topic whose cursor is behind it, with
// the position there as id.
func (s *Stream) AppendGap(dst []byte, g *eventlog.GapError, u *Sub) []byte {
	state, _ := u.Topic.State()
	return wire.AppendControl(dst, s.AppendPosition(nil, u), wire.TypeGap, wire.Gap{
		Topic:  g.Topic,
		After:  g.After.String(),
		Oldest: IDOrNone(state.Oldest),
		Head:   state.Last.String(),
		Reason: string(g.Cause),
	})
}

// AppendExpired appends the stream.expired of a stream.
func AppendExpired(dst []byte, at time.Time) []byte {
	return wire.AppendControl(dst, nil, wire.TypeExpired, wire.Expired{ExpiredMS: at.UnixMilli()})
}

// IDOrNone is an id as control events have it: nothing for the zero one.
func IDOrNone(id eventlog.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}
