package sse

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// server is what runs behind a Handler: the open connections, the delivery
// loops, the reader pool.
type server struct {
	h       *Handler
	ctx     context.Context // ends when connections must go at once
	cancel  context.CancelFunc
	readers *readers
	notices notices
	loops   loops

	mu      sync.Mutex // guards what follows
	count   int        // streams that were admitted and have not left
	conns   map[[16]byte]ender
	closing bool
	empty   chan struct{} // closed when the last stream of a closing server has ended

	goroutine counters // of the streams that their request's goroutine drives
}

// ender is an open stream that can be told to end.
type ender interface{ end(Reason) }

// counters are figures that other goroutines read.
type counters struct {
	events, bytes, stalls atomic.Uint64
}

func (h *Handler) serve() *server {
	h.once.Do(func() {
		ctx, cancel := context.WithCancel(context.Background())
		s := &server{h: h, ctx: ctx, cancel: cancel, conns: map[[16]byte]ender{}, empty: make(chan struct{})}
		s.readers = newReaders(ctx, h.Log)
		s.notices.start()
		s.loops.start(s)
		h.server = s
	})
	return h.server
}

// ServeHTTP answers one subscription. Over HTTP/1.1 on Linux it takes the
// socket over and returns; else it returns when the stream ends.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		h.reject(w, r, &Rejection{Status: 405, Type: "method-not-allowed", Detail: "subscribe with GET"})
		return
	}
	topics, starts, rejection := h.parseSubscription(r)
	if rejection != nil {
		h.reject(w, r, rejection)
		return
	}
	s := h.serve()
	if r.Method == http.MethodHead {
		hs := h.open(r, topics, starts)
		hs.header(h, w.Header())
		hs.stream.release(h.Log)
		return
	}
	if rejection := s.admit(); rejection != nil {
		if r.ProtoMajor == 1 {
			// Else those who come too late, and stay connected, would hold the
			// few descriptors that are left.
			w.Header().Set("Connection", "close")
		}
		h.reject(w, r, rejection)
		return
	}
	s.subscribe(w, r, h.open(r, topics, starts))
}

func (h *Handler) reject(w http.ResponseWriter, r *http.Request, why *Rejection) {
	if h.Reject != nil {
		h.Reject(w, r, why)
		return
	}
	trace := ""
	if h.TraceID != nil {
		trace = h.TraceID(r)
	}
	WriteProblem(w, why, trace)
}

// admit counts a new stream, which leave uncounts.
func (s *server) admit() *Rejection {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing:
		return &Rejection{Status: 503, Type: "shutting-down", Detail: "the server is shutting down", RetryAfter: jitter(3*time.Second, 0.5)}
	case s.h.MaxConnections > 0 && s.count >= s.h.MaxConnections:
		return &Rejection{Status: 429, Type: "connection-limit", Title: "Too many connections",
			Detail: "the server holds as many streams as it may", RetryAfter: jitter(10*time.Second, 0.5)}
	}
	s.count++
	return nil
}

// subscribe starts the stream of an admitted request.
func (s *server) subscribe(w http.ResponseWriter, r *http.Request, hs *handshake) {
	m := meta{id: hs.id, trace: hs.trace, opened: time.Now()}
	if s.h.Observer != nil {
		c := m.describe(s.h, r.RemoteAddr, &hs.stream)
		s.h.Observer.Connected(c, hs.outcomes)
		for _, g := range hs.gaps {
			if g != nil {
				s.h.Observer.Gap(c, g)
			}
		}
	}
	if !s.takeOver(w, r, hs, m) {
		s.drive(newResponseSink(w), r, hs, m)
	}
	retire(w)
}

// join makes a stream known, or tells that the server has begun to close.
func (s *server) join(id [16]byte, e ender) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns[id] = e
	return !s.closing
}

// leave ends what admit and join began.
func (s *server) leave(m *meta, st *stream, remote string, reason Reason, err error, sent Sent) {
	if o := s.h.Observer; o != nil {
		c := m.describe(s.h, remote, st)
		s.notices.post(func() { o.Disconnected(c, reason, err, sent) })
	}
	st.release(s.h.Log)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, m.id)
	if s.count--; s.count == 0 && s.closing {
		close(s.empty)
	}
}

// gap tells the observer of a gap that opened in mid-stream.
func (s *server) gap(m *meta, st *stream, remote string, g *eventlog.GapError) {
	if o := s.h.Observer; o != nil {
		c := m.describe(s.h, remote, st)
		s.notices.post(func() { o.Gap(c, g) })
	}
}

// meta is what is kept to describe a stream.
type meta struct {
	id     [16]byte
	trace  string
	opened time.Time
}

func (m *meta) describe(h *Handler, remote string, st *stream) *Conn {
	c := &Conn{ID: h.connectionID(m.id), TraceID: m.trace, Remote: remote, Release: or(h.Release, "stable"), Opened: m.opened}
	for i := range st.subs {
		c.Topics = append(c.Topics, st.subs[i].Topic.Name())
	}
	return c
}

// Disconnect ends the stream of a connection in good order and reports
// whether there was one of that id.
func (h *Handler) Disconnect(id string) bool {
	key, ok := h.parseConnectionID(id)
	if !ok {
		return false
	}
	s := h.serve()
	s.mu.Lock()
	e := s.conns[key]
	s.mu.Unlock()
	if e == nil {
		return false
	}
	e.end(ReasonAdmin)
	return true
}

// Stats returns figures of this moment.
func (h *Handler) Stats() Stats {
	s := h.serve()
	s.mu.Lock()
	st := Stats{Connections: s.count, Fetches: s.readers.fetched.Load()}
	s.mu.Unlock()
	s.goroutine.addTo(&st)
	s.loops.addTo(&st)
	return st
}

func (c *counters) addTo(st *Stats) {
	st.Sent.Events += c.events.Load()
	st.Sent.Bytes += c.bytes.Load()
	st.Stalls += c.stalls.Load()
}

// Shutdown refuses new streams, ends the open ones in good order, and closes
// what has not ended when the context does. The handler cannot be used again.
func (h *Handler) Shutdown(ctx context.Context) error {
	s := h.serve()
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		return nil
	}
	s.closing = true
	enders := make([]ender, 0, len(s.conns))
	for _, e := range s.conns {
		enders = append(enders, e)
	}
	if s.count == 0 {
		close(s.empty)
	}
	s.mu.Unlock()
	for _, e := range enders {
		e.end(ReasonDrain)
	}
	var err error
	select {
	case <-s.empty:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	s.cancel()
	s.loops.abort()
	<-s.empty        // closing at once takes a moment, not a client's cooperation
	s.readers.stop() // first: what they answer is for the loops to let go of
	s.loops.stop()
	s.notices.stop()
	return err
}
