package streams

import (
	"time"

	"golang.org/x/sys/unix"
)

// dial begins a connection, over a socket of its own.
func (l *loop) dial(c *conn) {
	c.due = 0
	domain := unix.AF_INET
	if _, six := l.hubs[c.hub].(*unix.SockaddrInet6); six {
		domain = unix.AF_INET6
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		l.broken(c)
		return
	}
	c.fd, c.phase = fd, dialing
	c.round++
	c.reply = reply{}
	if err := l.prepare(c); err != nil {
		l.broken(c)
		return
	}
	if err := unix.Connect(fd, l.hubs[c.hub]); err != nil && err != unix.EINPROGRESS {
		l.broken(c)
		return
	}
	if err := l.poll(unix.EPOLL_CTL_ADD, c, unix.EPOLLOUT); err != nil {
		l.broken(c)
		return
	}
	l.at(c, time.Now().Add(patience).UnixNano())
}

// perAddress is how many streams come from one address.
const perAddress = 500

// prepare sets a socket up.
func (l *loop) prepare(c *conn) error {
	if c.pace != Eager { // so that the kernel does not read for it
		if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4096); err != nil {
			return err
		}
	}
	if !l.set.o.Spread || !l.local[c.hub] {
		return nil
	}
	n := c.number / perAddress
	if err := unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return err
	}
	return unix.Bind(c.fd, &unix.SockaddrInet4{Addr: [4]byte{127, byte(1 + n/62500), byte(n / 250 % 250), byte(2 + n%250)}})
}

// poll sets what is waited for of a socket.
func (l *loop) poll(op int, c *conn, events uint32) error {
	return unix.EpollCtl(l.ep, op, c.fd, &unix.EpollEvent{Events: events, Fd: int32(c.place), Pad: int32(c.round)})
}

// ready goes on with a socket that something happened to.
func (l *loop) ready(c *conn) {
	if c.phase != dialing {
		l.read(c, len(l.buf))
		return
	}
	if failed, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || failed != 0 {
		l.broken(c)
		return
	}
	request := c.appendRequest(nil, &l.set.o)
	if n, err := unix.Write(c.fd, request); err != nil || n < len(request) {
		l.broken(c)
		return
	}
	c.phase = asking
	if err := l.poll(unix.EPOLL_CTL_MOD, c, unix.EPOLLIN|unix.EPOLLRDHUP); err != nil {
		l.broken(c)
	}
}

// read reads once, as much as there is up to a limit.
func (l *loop) read(c *conn, most int) {
	n, err := unix.Read(c.fd, l.buf[:min(most, len(l.buf))])
	if err == unix.EAGAIN || err == unix.EINTR {
		return
	}
	if err != nil || n <= 0 {
		l.broken(c)
		return
	}
	k := l.sink
	l.ear.s, l.ear.now = &c.stream, time.Now().UnixNano()
	k.mu.Lock()
	k.Bytes += uint64(n)
	err = c.reply.take(l.buf[:n], &l.ear)
	k.mu.Unlock()
	if c.phase == asking && c.up {
		c.phase, c.due = reading, 0
		l.set.open.Add(1)
		if c.pace != Eager && err == nil {
			err = l.poll(unix.EPOLL_CTL_MOD, c, unix.EPOLLRDHUP)
		}
	}
	if err != nil || c.reply.stage == atEnd {
		l.broken(c)
	}
}

// drop closes a connection.
func (l *loop) drop(c *conn) {
	if c.fd >= 0 {
		unix.Close(c.fd)
		c.fd = -1
	}
	if c.phase == reading {
		l.set.open.Add(-1)
	}
	c.phase, c.up = idle, false
}

// broken takes up the end of a connection, and when the next is asked for.
func (l *loop) broken(c *conn) {
	now := time.Now().UnixNano()
	k := l.sink
	k.mu.Lock()
	if c.phase == reading {
		k.Ends++
		c.cut = now
	} else {
		k.Failures++
		c.failures++
	}
	k.mu.Unlock()
	l.drop(c)
	if again := comeBack(&c.stream, now); again > 0 {
		c.asked = again
		l.at(c, again)
	}
}
