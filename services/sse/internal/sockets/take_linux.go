package sockets

import (
	"net"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// Socket is a connection that net/http has given away.
type Socket struct {
	nc       net.Conn  // keeps the descriptor open; only the loop closes it
	listener *Listener // takes the socket back when the stream ends; may be nil
	ahead    []byte    // read from the socket before the take-over
	fd       int
}

// Take prepares a connection for a loop, with what was read ahead of its
// stream. Where keep is set it goes back, at the end, to the Listener that it
// came from. It answers false, and the connection is as it was, where that has
// no descriptor, such as one behind a wrapper.
func Take(nc net.Conn, ahead []byte, keep bool) (Socket, bool) {
	s := Socket{nc: nc, ahead: ahead}
	if own, ok := nc.(*returnable); ok {
		s.nc, s.ahead = own.TCPConn, append(ahead, own.ahead...)
		if keep {
			s.listener = own.listener
		}
	}
	s.fd = descriptor(s.nc)
	return s, s.fd >= 0
}

// GoesBack reports whether the socket goes back to a Listener at the end.
func (s *Socket) GoesBack() bool { return s.listener != nil }

// descriptor returns the socket's descriptor for non-blocking use, or -1. It
// stays valid while nc is open, which only the owner of nc ends.
func descriptor(nc net.Conn) int {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return -1
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return -1
	}
	fd := -1
	if err := raw.Control(func(d uintptr) { fd = int(d) }); err != nil {
		return -1
	}
	return fd
}

// notSentLowat bounds what the kernel holds of a stream that its client has
// not taken yet, in bytes (tcp(7), TCP_NOTSENT_LOWAT).
const notSentLowat = 128 << 10

// tune sets what keeps the kernel's buffers small and dead peers short. A
// socket that is not TCP has none of it.
func tune(fd int, writeTimeout time.Duration) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSentLowat)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(writeTimeout.Milliseconds()))
}

// Opening is what a connection begins with.
type Opening struct {
	Socket  Socket
	Stream  stream.Stream
	Session Session
	Pings   *heartbeat.Pings // nil: the heartbeat is not two-way
	Expires *time.Time       // when the stream ends; nil: never
}

// Open makes a connection, which is one of a loop's once it is served.
func (ls *Loops) Open(o Opening) *Conn {
	l := ls.pick()
	tune(o.Socket.fd, l.cfg.WriteTimeout)
	return &Conn{Socket: o.Socket, stream: o.Stream, session: o.Session, pings: o.Pings, expires: o.Expires, loop: l}
}

// Begin writes what a stream begins with from the caller's goroutine, for the
// client not to wait for a sweep, and returns how much the socket has accepted.
// The rest is left to the loop. After an error the socket is closed.
func (c *Conn) Begin(p []byte) (int, error) {
	var v vector
	v.set(&frame{raw: true}, p)
	n, err := v.write(c.fd)
	if err != nil {
		c.nc.Close()
		return n, err
	}
	c.sent.Bytes = uint64(n)
	if n < len(p) {
		c.rest = frame{block: c.loop.cfg.Log.NewPrivate(p[n:]), to: uint32(len(p) - n), raw: true}
	}
	return n, nil
}

// Serve gives the connection to its loop.
func (c *Conn) Serve() { c.loop.post(mail{kind: msgAttach, c: c}) }
