package sse

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"reflect"
	"time"
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
	// gone is closed when the client has hung up, where the request's context
	// does not tell; nil where it does.
	gone() <-chan struct{}
	// close releases what the sink has.
	close()
}

// responseSink writes through net/http.
type responseSink struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func newResponseSink(w http.ResponseWriter) *responseSink {
	w = plainWriter(w)
	return &responseSink{w: w, rc: http.NewResponseController(w)}
}

// begin also lifts the server's limits for whole requests and answers.
func (s *responseSink) begin(h *Handler, hs *handshake) error {
	_ = s.rc.SetReadDeadline(time.Time{})
	hs.header(h, s.w.Header())
	s.w.WriteHeader(http.StatusOK)
	return nil
}

// sliceBytes is how much is written under one deadline: net/http does not
// tell how far a larger write has come.
const sliceBytes = 16 << 10

func (s *responseSink) write(p []byte, timeout time.Duration) (n int, err error) {
	var deadline time.Time
	for n < len(p) && err == nil {
		deadline = time.Now().Add(timeout)
		if err := s.rc.SetWriteDeadline(deadline); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return n, err
		}
		var m int
		m, err = s.w.Write(p[n:min(n+sliceBytes, len(p))])
		n += m
	}
	if err == nil {
		err = s.rc.Flush()
	}
	if err != nil && time.Now().After(deadline) && !errors.Is(err, http.ErrNotSupported) {
		return n, os.ErrDeadlineExceeded // HTTP/2 has errors of its own for it
	}
	// One that outlives its write would end the stream of HTTP/2 at rest.
	_ = s.rc.SetWriteDeadline(time.Time{})
	return n, err
}

func (s *responseSink) end(*Handler) error { return nil }

func (s *responseSink) gone() <-chan struct{} { return nil }

func (s *responseSink) close() {}

// plainWriter returns the writer that middlewares have wrapped: a stream must
// not be compressed or buffered by them. Where a wrapper has no Unwrap, the
// ResponseWriter that it embeds is taken.
func plainWriter(w http.ResponseWriter) http.ResponseWriter {
	for {
		inner := unwrap(w)
		if inner == nil {
			return w
		}
		w = inner
	}
}

func unwrap(w http.ResponseWriter) http.ResponseWriter {
	if u, ok := w.(interface{ Unwrap() http.ResponseWriter }); ok {
		return u.Unwrap()
	}
	v := reflect.Indirect(reflect.ValueOf(w))
	if v.Kind() != reflect.Struct {
		return nil
	}
	f, ok := v.Type().FieldByName("ResponseWriter")
	if !ok || !f.Anonymous {
		return nil
	}
	field, err := v.FieldByIndexErr(f.Index)
	if err != nil {
		return nil
	}
	inner, _ := field.Interface().(http.ResponseWriter)
	return inner
}

// hijackedSink writes chunks to a socket that was taken over but has no
// descriptor to be polled, such as one behind a wrapper.
type hijackedSink struct {
	nc     net.Conn
	head   []byte
	hungUp chan struct{}
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
		_ = s.nc.SetWriteDeadline(time.Now().Add(timeout))
		m, err := s.nc.Write(p[n:])
		n += m
		if m == 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
}

func (s *hijackedSink) write(p []byte, timeout time.Duration) (int, error) {
	return s.put(appendChunk(nil, string(p)), timeout)
}

func (s *hijackedSink) end(h *Handler) error {
	_, err := s.put([]byte(lastChunk), or(h.WriteTimeout, DefaultWriteTimeout))
	return err
}

func (s *hijackedSink) gone() <-chan struct{} { return s.hungUp }

// close closes the socket and waits for its reader.
func (s *hijackedSink) close() {
	s.nc.Close()
	<-s.hungUp
}
