package sse

import (
	"bufio"
	"net"
	"net/http"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sluice-stream/sluice/services/wire"
)

// takeOver makes a delivery loop write the stream of an HTTP/1.1 request, so
// that nothing of the request stays alive. It answers false, with nothing
// done, where the request's own goroutine has to write it.
func (s *server) takeOver(w http.ResponseWriter, r *http.Request, hs *handshake, m meta) bool {
	if r.TLS != nil || r.ProtoMajor != 1 || r.ProtoMinor < 1 {
		return false
	}
	nc, buffered, err := hijack(w)
	if err != nil {
		return false
	}
	c := &conn{meta: m, loop: s.loops.pick(), nc: nc, ahead: readAhead(buffered), stream: hs.stream}
	if own, ok := nc.(*returnable); ok {
		c.nc, c.ahead = own.TCPConn, append(c.ahead, own.ahead...)
		if !r.Close {
			c.listener = own.listener
		}
	}
	// A socket that cannot go back must not be promised to the next request.
	head := hs.head(w.Header(), c.listener != nil)
	if c.fd = descriptor(c.nc); c.fd < 0 {
		s.drive(&hijackedSink{nc: nc, head: head}, r, hs, m)
		return true
	}
	s.tune(c.fd)
	c.begin(s, r, hs, wire.AppendChunk(head, hs.opening))
	return true
}

// hijack takes the socket from net/http, if need be around a middleware that
// hides it.
func hijack(w http.ResponseWriter) (net.Conn, *bufio.ReadWriter, error) {
	nc, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return http.NewResponseController(plainWriter(w)).Hijack()
	}
	return nc, buffered, nil
}

// readAhead returns what net/http has read behind the request: the start of
// the next one.
func readAhead(rw *bufio.ReadWriter) []byte {
	n := rw.Reader.Buffered()
	if n == 0 {
		return nil
	}
	p, _ := rw.Reader.Peek(n) // it is in the buffer
	return append([]byte(nil), p...)
}

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
func (s *server) tune(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, notSentLowat)
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(or(s.h.WriteTimeout, DefaultWriteTimeout).Milliseconds()))
}

// begin writes the head and the opening from the caller's goroutine, for the
// client not to wait for a sweep, and gives the connection to its loop.
func (c *conn) begin(s *server, r *http.Request, hs *handshake, head []byte) {
	// Known before the client can know its name. The loop may be told to end
	// it before it is told of it.
	if !s.join(c.id, c) {
		c.loop.post(mail{kind: msgEnd, c: c, reason: ReasonDrain})
	}
	var v vector
	v.set(&frame{raw: true}, head)
	n, err := v.write(c.fd)
	s.opened(r, hs, &c.meta)
	if err != nil {
		c.nc.Close()
		s.leave(&c.meta, &c.stream, c.remote(), ReasonClient, nil, Sent{})
		return
	}
	c.sent.Bytes = uint64(n)
	s.goroutine.bytes.Add(uint64(n))
	if n < len(head) {
		c.rest = frame{block: s.h.Log.NewPrivate(head[n:]), to: uint32(len(head) - n), raw: true}
	}
	c.loop.post(mail{kind: msgAttach, c: c})
}
