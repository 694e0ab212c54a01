package sse

import "github.com/sluice-stream/sluice/services/sse/internal/heartbeat"

// Health is whether the client of a stream with a two-way heartbeat answers.
type Health string

// The states of health. A stream that is dead is closed ([ReasonPongTimeout]).
const (
	Healthy  Health = "healthy"  // it answered the last ping that it had the time for
	Degraded Health = "degraded" // it has missed some
	Dead     Health = "dead"     // it has missed as many as it may
)

// heartbeatRules are the options of heartbeats, with their defaults in place.
func (h *Handler) heartbeatRules() heartbeat.Rules {
	r := heartbeat.Rules{
		Silence:  or(h.HeartbeatInterval, DefaultHeartbeatInterval),
		Interval: max(or(h.PingInterval, DefaultPingInterval), 0),
		Timeout:  or(h.PongTimeout, DefaultPongTimeout),
		Most:     max(or(h.MaxMissedPings, DefaultMaxMissedPings), 0),
	}
	if r.Silence < 0 {
		r.Silence = heartbeat.Never
	}
	if r.Timeout < 0 {
		r.Timeout = heartbeat.Never
	} else {
		r.Timeout = min(r.Timeout, r.Interval)
	}
	return r
}
