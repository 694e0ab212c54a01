package sse

import (
	"errors"
	"io"
	"net"
	"net/http"
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

func (s *responseSink) begin(h *Handler, hs *handshake) error {
	hs.header(h, s.w.Header())
	s.w.WriteHeader(http.StatusOK)
	return nil
}

func (s *responseSink) write(p []byte, timeout time.Duration) (int, error) {
	if err := s.rc.SetWriteDeadline(time.Now().Add(timeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := s.w.Write(p)
	if err != nil {
		return n, err
	}
	return n, s.rc.Flush()
}

// end lifts the deadline of the last write for the server to use the
// connection again.
func (s *responseSink) end(*Handler) error {
	_ = s.rc.SetWriteDeadline(time.Time{})
	return nil
}

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
	v := reflect.ValueOf(w)
	if v.Kind() != reflect.Pointer || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	f, ok := v.Elem().Type().FieldByName("ResponseWriter")
	if !ok || !f.Anonymous {
		return nil
	}
	inner, _ := v.Elem().FieldByIndex(f.Index).Interface().(http.ResponseWriter)
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
	return s.put(h, s.head)
}

func (s *hijackedSink) put(h *Handler, p []byte) error {
	_ = s.nc.SetWriteDeadline(time.Now().Add(or(h.WriteTimeout, DefaultWriteTimeout)))
	_, err := s.nc.Write(p)
	return err
}

func (s *hijackedSink) write(p []byte, timeout time.Duration) (int, error) {
	_ = s.nc.SetWriteDeadline(time.Now().Add(timeout))
	return s.nc.Write(appendChunk(nil, string(p)))
}

func (s *hijackedSink) end(h *Handler) error { return s.put(h, []byte(lastChunk)) }

func (s *hijackedSink) gone() <-chan struct{} { return s.hungUp }

// close closes the socket and waits for its reader.
func (s *hijackedSink) close() {
	s.nc.Close()
	<-s.hungUp
}
