package sockets

import (
	"golang.org/x/sys/unix"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
	"github.com/sluice-stream/sluice/services/wire"
)

// due is when a connection is to be looked at: it has one place in the wheel
// for all that may come up.
func (l *loop) due(c *Conn) int64 {
	if c.ending != "" {
		return c.endBy
	}
	due := c.lastWrite + l.cfg.Heartbeat.Quiet().Milliseconds()
	if c.blocked {
		due = c.stalled + l.cfg.WriteTimeout.Milliseconds()
	}
	if c.pings != nil {
		due = min(due, c.pings.Due(&l.cfg.Heartbeat).Milliseconds()+1)
	}
	if left, ends := c.left(); ends {
		due = min(due, l.now+left.Milliseconds()+1)
	}
	return due
}

// check is called when a connection's timer has come up.
func (l *loop) check(c *Conn) {
	left, ends := c.left()
	switch {
	case c.lingering:
		l.drainInput(c)
		l.close(c, c.ending, nil)
	case c.blocked && l.now-c.stalled >= l.cfg.WriteTimeout.Milliseconds():
		l.close(c, stream.WriteTimeout, nil)
	case c.ending != "":
		if l.now >= c.endBy {
			l.close(c, c.ending, nil)
		}
	case ends && left <= 0:
		c.control = wire.AppendChunk(c.control, stream.AppendExpired(nil, *c.expires))
		l.finish(c, stream.TokenExpired)
	default:
		l.ping(c)
		l.comment(c)
	}
	if !c.closed {
		l.wheel.add(&c.timer, l.due(c))
	}
}

// comment breaks the silence of a stream.
func (l *loop) comment(c *Conn) {
	if c.closed || c.blocked || l.now-c.lastWrite < l.cfg.Heartbeat.Silence.Milliseconds()*9/10 {
		return
	}
	c.control = wire.AppendChunk(c.control, wire.HeartbeatComment)
	c.lastWrite = l.now // also where the write must wait
	l.enqueue(c)
}

// ping goes on with a two-way heartbeat. It writes at once: the round trip
// begins with the write.
func (l *loop) ping(c *Conn) {
	if c.pings == nil {
		return
	}
	turn, degraded := c.pings.Turn(l.clock(), &l.cfg.Heartbeat)
	switch turn {
	case heartbeat.TurnLost:
		c.session.PingMissed(degraded)
	case heartbeat.TurnDead:
		c.session.PingMissed(degraded)
		l.close(c, stream.PongTimeout, nil)
	case heartbeat.TurnPing:
		if l.busy(c) {
			c.pings.PutOff(l.clock())
			return
		}
		l.scratch = c.pings.Append(l.scratch[:wire.SizeRoom], l.clock(), &l.cfg.Heartbeat)
		l.send(c, frame{raw: true}, wire.FrameInPlace(&l.scratch))
	}
}

// busy reports whether a stream has bytes that must come before a ping: a
// pong in time could not be asked of its client.
func (l *loop) busy(c *Conn) bool {
	if c.blocked || c.rest.block != nil || len(c.control) > 0 {
		return true
	}
	var lag stream.Lag
	c.stream.AddLag(&lag, l.view)
	if lag.Behind() {
		return true
	}
	if health, _ := c.pings.Show(&l.cfg.Heartbeat); health != heartbeat.Healthy {
		return false // where nothing arrives, the last ping may itself be what waits
	}
	waiting, err := unix.IoctlGetInt(c.fd, unix.SIOCOUTQNSD) // in the kernel, for lack of room at the peer
	return err == nil && waiting > 0
}

// view returns the view of a topic for this pass.
func (l *loop) view(u *stream.Sub) *eventlog.View {
	l.look(u.Feed)
	return u.Feed.View()
}
