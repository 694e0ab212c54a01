package sse

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// silence is how long a stream may be silent.
func (s *server) silence() time.Duration {
	interval := or(s.h.HeartbeatInterval, DefaultHeartbeatInterval)
	if interval < 0 {
		return never
	}
	return jitter(interval, 0.1)
}

// patience is how long the stream may wait if nothing happens.
func (c *requestConn) patience() time.Duration {
	due := c.quiet
	if c.pings != nil {
		due = min(due, c.pings.due(&c.server.pings))
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
	return false, c.write([]byte(wire.HeartbeatComment), counts{})
}

// ping goes on with a two-way heartbeat.
func (c *requestConn) ping() (dead bool, err error) {
	s := c.server
	turn, degraded := c.pings.turn(s.clock(), &s.pings)
	switch turn {
	case pingLost:
		s.missed(&c.meta, degraded)
	case pingDead:
		s.missed(&c.meta, degraded)
		return true, nil
	case pingDue:
		if c.lags() {
			c.pings.putOff(s.clock())
			return false, nil
		}
		return false, c.write(appendPing(nil, c.pings.send(s.clock(), &s.pings)), counts{})
	}
	return false, nil
}

func (c *requestConn) lags() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	var lag Lag
	c.addLag(&lag, c.fresh)
	return lag.Behind()
}

// fresh returns the view of a topic at this moment.
func (c *requestConn) fresh(u *sub) *eventlog.View {
	v := u.Topic.View()
	return &v
}

// finish writes what a stream ends with.
func (c *requestConn) finish(reason Reason) error {
	if reason == ReasonTokenExpired {
		if err := c.write(c.admission.appendExpired(nil), counts{}); err != nil {
			return err
		}
	}
	return c.sink.end(c.server.h)
}

// remote implements driver.
func (c *requestConn) remote() string { return c.request.RemoteAddr }

// socketRTT implements driver.
func (c *requestConn) socketRTT() time.Duration {
	if f := c.server.h.SocketRTT; f != nil {
		return f(c.request)
	}
	return 0
}

// show shows the stream to a survey.
func (c *requestConn) show(visit func(seen)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := seen{meta: &c.meta, stream: &c.stream, sent: c.sent, view: c.fresh, driver: c}
	if !c.writing.IsZero() {
		s.stalled = time.Since(c.writing)
	}
	visit(s)
}
