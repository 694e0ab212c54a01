package sockets

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"

	"github.com/sluice-stream/sluice/services/sse/internal/stream"
	"github.com/sluice-stream/sluice/services/wire"
)

// finish ends a stream in good order: what is unfinished, then the last
// chunk, then the socket goes back or is closed. A client that does not take
// them in time is cut off.
func (l *loop) finish(c *Conn, reason stream.Reason) {
	if c.closed || c.ending != "" {
		return
	}
	if !c.attached {
		c.ending = reason // once it is attached
		return
	}
	c.ending, c.endBy = reason, l.now+l.cfg.EndTimeout.Milliseconds()
	c.control = append(c.control, wire.LastChunk...)
	l.wheel.add(&c.timer, l.due(c))
	l.enqueue(c)
}

// tell makes a control event go out before the next piece.
func (l *loop) tell(c *Conn, event []byte) {
	if c.closed || c.ending != "" {
		return
	}
	c.control = wire.AppendChunk(c.control, event)
	if c.attached {
		l.enqueue(c)
	}
}

// finished parts with the socket of a stream that has ended.
func (l *loop) finished(c *Conn) {
	if c.listener != nil && c.ending != stream.Drain {
		l.detach(c)
		l.leave(c, c.ending, nil) // before the next request, which may want its place
		c.listener.giveBack(c.nc.(*net.TCPConn), c.ahead)
		return
	}
	c.lingering = true
	if err := unix.Shutdown(c.fd, unix.SHUT_WR); err != nil {
		l.close(c, c.ending, nil)
		return
	}
	l.wheel.add(&c.timer, l.now+lingerTime)
}

// lingerTime is how long a half-closed socket waits for the client's FIN, in
// milliseconds. Closing at once with input unread would reset the connection
// and could take the last events back from the client.
const lingerTime = 1000

func (l *loop) drainInput(c *Conn) {
	buf := l.scratch[:cap(l.scratch)]
	for range 64 {
		if n, err := unix.Read(c.fd, buf); n <= 0 || err != nil {
			return
		}
	}
}

// fail closes a connection whose write failed.
func (l *loop) fail(c *Conn, err error) {
	switch {
	case errors.Is(err, unix.EPIPE), errors.Is(err, unix.ECONNRESET):
		l.close(c, stream.Client, nil)
	case errors.Is(err, unix.ETIMEDOUT):
		l.close(c, stream.WriteTimeout, nil)
	default:
		l.close(c, stream.Error, err)
	}
}
