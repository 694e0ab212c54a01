package sse

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// sink is where a request's goroutine writes its stream to.
type sink interface {
	// begin sends the head.
	begin(*Handler, *handshake) error
	// write sends bytes at once, or fails when that takes longer than the
	// time-out.
	write(p []byte, timeout time.Duration) (int, error)
	// end finishes the answer in good order.
	end(*Handler) error
	// abort makes the write under way fail, and all that follow. Other than the
	// rest it is called from any goroutine.
	abort()
	// gone is closed when the client has hung up, where the request's context
	// does not tell; nil where it does.
	gone() <-chan struct{}
	// close releases what the sink has.
	close()
}

// deadline is that of a socket's writes, which may be made to pass for good.
type deadline struct {
	mu     sync.Mutex
	passed bool
}

func (d *deadline) move(set func(time.Time) error, to time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.passed {
		return os.ErrDeadlineExceeded
	}
	return set(to)
}

func (d *deadline) pass(set func(time.Time) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passed = true
	_ = set(time.Unix(1, 0))
}

// responseSink writes through net/http.
type responseSink struct {
	w        http.ResponseWriter
	rc       *http.ResponseController
	deadline deadline
}

func newResponseSink(w http.ResponseWriter) *responseSink {
	w = plainWriter(w)
	return &responseSink{w: w, rc: http.NewResponseController(w)}
}

// begin also lifts the server's limits for whole requests and answers.
func (s *responseSink) begin(_ *Handler, hs *handshake) error {
	_ = s.rc.SetReadDeadline(time.Time{})
	hs.header(s.w.Header())
	s.w.WriteHeader(http.StatusOK)
	return nil
}

// sliceBytes is how much is written under one deadline: net/http does not
// tell how far a larger write has come.
const sliceBytes = 16 << 10

func (s *responseSink) write(p []byte, timeout time.Duration) (n int, err error) {
	var due time.Time
	for n < len(p) && err == nil {
		due = time.Now().Add(timeout)
		if err := s.deadline.move(s.rc.SetWriteDeadline, due); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return n, err
		}
		var m int
		m, err = s.w.Write(p[n:min(n+sliceBytes, len(p))])
		n += m
	}
	if err == nil {
		err = s.rc.Flush()
	}
	if err != nil && time.Now().After(due) && !errors.Is(err, http.ErrNotSupported) {
		return n, os.ErrDeadlineExceeded // HTTP/2 has errors of its own for it
	}
	// One that outlives its write would end the stream of HTTP/2 at rest.
	_ = s.deadline.move(s.rc.SetWriteDeadline, time.Time{})
	return n, err
}

func (s *responseSink) end(*Handler) error { return nil }

func (s *responseSink) abort() { s.deadline.pass(s.rc.SetWriteDeadline) }

func (s *responseSink) gone() <-chan struct{} { return nil }

func (s *responseSink) close() {}

// hijackedSink writes chunks to a socket that was taken over but has no
// descriptor to be polled, such as one behind a wrapper.
type hijackedSink struct {
	nc       net.Conn
	head     []byte
	hungUp   chan struct{}
	deadline deadline
}

func (s *hijackedSink) begin(h *Handler, _ *handshake) error {
	s.hungUp = make(chan struct{})
	go func() {
		defer close(s.hungUp)
		_, _ = io.Copy(io.Discard, s.nc) // until either side closes
	}()
	_, err := s.put(s.head, or(h.WriteTimeout, DefaultWriteTimeout))
	return err
}

// put goes on for as long as the socket accepts something.
func (s *hijackedSink) put(p []byte, timeout time.Duration) (n int, err error) {
	for {
		if err := s.deadline.move(s.nc.SetWriteDeadline, time.Now().Add(timeout)); err != nil {
			return n, err
		}
		m, err := s.nc.Write(p[n:])
		n += m
		if m == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
}

func (s *hijackedSink) write(p []byte, timeout time.Duration) (int, error) {
	return s.put(wire.AppendChunk(nil, p), timeout)
}

func (s *hijackedSink) end(h *Handler) error {
	_, err := s.put([]byte(wire.LastChunk), or(h.WriteTimeout, DefaultWriteTimeout))
	return err
}

func (s *hijackedSink) abort() { s.deadline.pass(s.nc.SetWriteDeadline) }

func (s *hijackedSink) gone() <-chan struct{} { return s.hungUp }

// close closes the socket and waits for its reader.
func (s *hijackedSink) close() {
	s.nc.Close()
	<-s.hungUp
}
