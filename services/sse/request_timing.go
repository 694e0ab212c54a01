package sse

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/sse/internal/sockets"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
	"github.com/sluice-stream/sluice/services/wire"
)

// patience is how long the stream may wait if nothing happens.
func (c *requestConn) patience() time.Duration {
	due := c.quiet
	if c.pings != nil {
		due = min(due, c.pings.Due(&c.server.heartbeat))
	}
	return max(due-c.server.clock(), 0)
}

// beat goes on with the heartbeat. It reports whether the client is dead.
func (c *requestConn) beat() (dead bool, err error) {
	if c.pings != nil {
		if dead, err = c.ping(); dead || err != nil {
			return dead, err
		}
	}
	if c.server.clock() < c.quiet {
		return false, nil
	}
	return false, c.write([]byte(wire.HeartbeatComment), stream.Counts{})
}

// ping goes on with a two-way heartbeat.
func (c *requestConn) ping() (dead bool, err error) {
	s := c.server
	turn, degraded := c.pings.Turn(s.clock(), &s.heartbeat)
	switch turn {
	case heartbeat.TurnLost:
		c.PingMissed(degraded)
	case heartbeat.TurnDead:
		c.PingMissed(degraded)
		return true, nil
	case heartbeat.TurnPing:
		if c.lags() {
			c.pings.PutOff(s.clock())
			return false, nil
		}
		return false, c.write(c.pings.Append(nil, s.clock(), &s.heartbeat), stream.Counts{})
	}
	return false, nil
}

func (c *requestConn) lags() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lag stream.Lag
	c.reads.AddLag(&lag, c.fresh)
	return lag.Behind()
}

// fresh returns the view of a topic at this moment.
func (c *requestConn) fresh(u *stream.Sub) *eventlog.View {
	v := u.Topic.View()
	return &v
}

// finish writes what a stream ends with.
func (c *requestConn) finish(reason stream.Reason) error {
	if reason == stream.TokenExpired {
		if err := c.write(stream.AppendExpired(nil, *c.expires()), stream.Counts{}); err != nil {
			return err
		}
	}
	return c.sink.end(c.server.h)
}

// Remote implements driver.
func (c *requestConn) Remote() string { return c.request.RemoteAddr }

// SocketRTT implements driver.
func (c *requestConn) SocketRTT() time.Duration {
	if f := c.server.h.SocketRTT; f != nil {
		return f(c.request)
	}
	return 0
}

// show shows the stream to a survey.
func (c *requestConn) show(visit func(seen)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := seen{c.session, sockets.Seen{Session: c.session, Stream: &c.reads, Sent: c.sent, View: c.fresh}}
	if !c.writing.IsZero() {
		s.Stalled = time.Since(c.writing)
	}
	visit(s)
}
