package sse

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// due is when a connection is to be looked at: it has one place in the wheel
// for all that may come up.
func (l *loop) due(c *conn) int64 {
	if c.ending != "" {
		return c.endBy
	}
	due := l.heartbeatDue(c)
	if c.blocked {
		due = c.stalled + l.writeTimeout()
	}
	if c.pings != nil {
		due = min(due, c.pings.due(&l.server.pings).Milliseconds()+1)
	}
	if left, ends := c.left(); ends {
		due = min(due, l.now+left.Milliseconds()+1)
	}
	return due
}

func (l *loop) heartbeatDue(c *conn) int64 {
	interval := or(l.server.h.HeartbeatInterval, DefaultHeartbeatInterval)
	if interval < 0 {
		interval = time.Hour
	}
	return c.lastWrite + jitter(interval, 0.1).Milliseconds()
}

func (l *loop) writeTimeout() int64 {
	return or(l.server.h.WriteTimeout, DefaultWriteTimeout).Milliseconds()
}

// check is called when a connection's timer has come up.
func (l *loop) check(c *conn) {
	left, ends := c.left()
	switch {
	case c.lingering:
		l.drainInput(c)
		l.close(c, c.ending, nil)
	case c.blocked && l.now-c.stalled >= l.writeTimeout():
		l.close(c, ReasonWriteTimeout, nil)
	case c.ending != "":
		if l.now >= c.endBy {
			l.close(c, c.ending, nil)
		}
	case ends && left <= 0:
		c.control = wire.AppendChunk(c.control, c.admission.appendExpired(nil))
		l.finish(c, ReasonTokenExpired)
	default:
		l.ping(c)
		l.comment(c)
	}
	if !c.closed {
		l.wheel.add(&c.timer, l.due(c))
	}
}

// comment breaks the silence of a stream.
func (l *loop) comment(c *conn) {
	interval := or(l.server.h.HeartbeatInterval, DefaultHeartbeatInterval)
	if c.closed || c.blocked || interval < 0 || l.now-c.lastWrite < interval.Milliseconds()*9/10 {
		return
	}
	c.control = wire.AppendChunk(c.control, wire.HeartbeatComment)
	c.lastWrite = l.now // also where the write must wait
	l.enqueue(c)
}

// ping goes on with a two-way heartbeat. It writes at once: the round trip
// begins with the write.
func (l *loop) ping(c *conn) {
	if c.pings == nil {
		return
	}
	s := l.server
	turn, degraded := c.pings.turn(s.clock(), &s.pings)
	switch turn {
	case pingLost:
		s.missed(&c.meta, degraded)
	case pingDead:
		s.missed(&c.meta, degraded)
		l.close(c, ReasonPongTimeout, nil)
	case pingDue:
		if l.busy(c) {
			c.pings.putOff(s.clock())
			return
		}
		seq := c.pings.send(s.clock(), &s.pings)
		l.scratch = appendPing(l.scratch[:wire.SizeRoom], seq)
		l.send(c, frame{raw: true}, wire.FrameInPlace(&l.scratch))
	}
}

// busy reports whether a stream has bytes that must come before a ping: a
// pong in time could not be asked of its client.
func (l *loop) busy(c *conn) bool {
	if c.blocked || c.rest.block != nil || len(c.control) > 0 {
		return true
	}
	var lag Lag
	c.addLag(&lag, l.view)
	if lag.Behind() {
		return true
	}
	if health, _ := c.pings.show(&l.server.pings); health != Healthy {
		return false // where nothing arrives, the last ping may itself be what waits
	}
	waiting, err := unix.IoctlGetInt(c.fd, unix.SIOCOUTQNSD) // in the kernel, for lack of room at the peer
	return err == nil && waiting > 0
}

// view returns the view of a topic for this pass.
func (l *loop) view(u *sub) *eventlog.View {
	l.look(u.feed)
	return &u.feed.view
}
