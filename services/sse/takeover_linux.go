package sse

import (
	"bufio"
	"net"
	"net/http"

	"github.com/sluice-stream/sluice/services/sse/internal/sockets"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
	"github.com/sluice-stream/sluice/services/wire"
)

// takeOver makes a delivery loop write the stream of an HTTP/1.1 request, so
// that nothing of the request stays alive. It answers false, with nothing
// done, where the request's own goroutine has to write it.
func (s *server) takeOver(w http.ResponseWriter, r *http.Request, hs *handshake, x *session) bool {
	if r.TLS != nil || r.ProtoMajor != 1 || r.ProtoMinor < 1 {
		return false
	}
	nc, buffered, err := hijack(w)
	if err != nil {
		return false
	}
	socket, ok := sockets.Take(nc, readAhead(buffered), !r.Close)
	// A socket that cannot go back must not be promised to the next request.
	head := hs.head(w.Header(), socket.GoesBack())
	if !ok {
		s.drive(&hijackedSink{nc: nc, head: head}, r, hs, x)
		return true
	}
	c := s.loops.Open(sockets.Opening{Socket: socket, Stream: hs.stream, Session: x, Pings: x.pings, Expires: x.expires()})
	s.begin(c, r, hs, x, wire.AppendChunk(head, hs.opening))
	return true
}

// begin writes the head and the opening, and gives the connection to its loop.
func (s *server) begin(c *sockets.Conn, r *http.Request, hs *handshake, x *session, head []byte) {
	x.driver, x.stream = c, c.Stream()
	// Known before the client can know its name. The loop may be told to end
	// it before it is told of it.
	if !s.join(x) {
		c.End(stream.Drain)
	}
	n, err := c.Begin(head)
	x.begun(r, hs)
	if err != nil {
		x.Left(stream.Client, nil, stream.Sent{})
		return
	}
	s.goroutine.Bytes.Add(uint64(n))
	c.Serve()
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
