package sse

import (
	"math/rand/v2"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// appendExpired appends the stream.expired of a stream.
func (a *Admission) appendExpired(dst []byte) []byte {
	return wire.AppendControl(dst, nil, wire.TypeExpired, wire.Expired{ExpiredMS: a.Expires.UnixMilli()})
}

// appendRetry appends the reconnection time for a client, spread so that
// clients cut off together do not come back together.
func appendRetry(dst []byte, base time.Duration) []byte {
	return wire.AppendRetry(dst, jitter(base, 0.5))
}

// jitter returns d give or take a share of it.
func jitter(d time.Duration, share float64) time.Duration {
	return time.Duration(float64(d) * (1 + share*(2*rand.Float64()-1)))
}

// appendPing appends a stream.ping, with the time by this machine's clock.
func appendPing(dst []byte, seq uint64) []byte {
	return wire.AppendPing(dst, wire.Ping{Seq: seq, TS: time.Now().UnixMilli()})
}

// appendGap appends the stream.gap of a topic whose cursor is behind it, with
// the position there as id.
func (s *stream) appendGap(dst []byte, g *eventlog.GapError, u *sub) []byte {
	state, _ := u.Topic.State()
	return wire.AppendControl(dst, s.appendPosition(nil, u), wire.TypeGap, wire.Gap{
		Topic:  g.Topic,
		After:  g.After.String(),
		Oldest: idOrNone(state.Oldest),
		Head:   state.Last.String(),
		Reason: string(g.Cause),
	})
}

func idOrNone(id eventlog.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}
