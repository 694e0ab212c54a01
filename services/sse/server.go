package sse

import (
	"context"
	"maps"
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
	began   time.Time
	pings   pingRules
	ctx     context.Context // ends when connections must go at once
	cancel  context.CancelFunc
	readers *readers
	notices notices
	loops   loops
	streams directory

	mu          sync.Mutex    // guards what follows
	count       int           // streams that were admitted and have not left
	groups      map[Group]int // the same, by what they have in common
	closing     bool
	drainsUntil time.Time     // zero: it does not drain
	empty       chan struct{} // closed when the last stream of a closing server has ended
	left        chan struct{} // closed when a stream leaves that somebody waits for

	waiting    atomic.Int32  // for a stream to leave
	goroutine  counters      // of the streams that their request's goroutine drives
	unknown    atomic.Uint64 // resumes in topics that don't exist
	fanouts    fanouts
	sampleGap  atomic.Int64   // of samples from streams with goroutines of their own
	background sync.WaitGroup // ended by ctx
}

// ender is an open stream. Its methods are called from any goroutine.
type ender interface {
	// end ends it in good order.
	end(Reason)
	// drain tells its client that it will end so much later.
	drain(time.Duration)
	// about returns what describes it.
	about() *meta
	// topics returns the names of its topics.
	topics() []string
	// at returns how far it was sent.
	at() map[string]eventlog.ID
}

func (h *Handler) serve() *server {
	h.once.Do(func() {
		h.server = newServer(h)
		h.server.loops.start(h.server)
	})
	return h.server
}

// newServer returns a server whose delivery loops have not been started.
func newServer(h *Handler) *server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{h: h, ctx: ctx, cancel: cancel, began: time.Now(), pings: h.pingRules(),
		groups: map[Group]int{}, empty: make(chan struct{}), left: make(chan struct{})}
	s.readers = newReaders(ctx, h)
	s.notices.start()
	if h.Meter != nil {
		s.background.Go(s.watchStuck)
	}
	return s
}

// ServeHTTP answers one subscription. Over HTTP/1.1 on Linux it takes the
// socket over and returns; else it returns when the stream ends.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		h.reject(w, r, &Rejection{Status: 405, Type: "method-not-allowed", Detail: "subscribe with GET"})
		return
	}
	asked, rejection := h.parseSubscription(r)
	if rejection != nil {
		h.reject(w, r, rejection)
		return
	}
	admission, rejection := h.admitted(r, asked.topics)
	if rejection != nil {
		h.reject(w, r, rejection)
		return
	}
	asked.admit(h, admission)
	s := h.serve()
	head := r.Method == http.MethodHead
	if rejection := s.admit(r.Context(), h.groupOf(r, asked), !head); rejection != nil {
		admission.leave()
		if r.ProtoMajor == 1 {
			// Else those who come too late, and stay connected, would hold the
			// few descriptors that are left.
			w.Header().Set("Connection", "close")
		}
		h.reject(w, r, rejection)
		return
	}
	if head {
		defer admission.leave()
		hs := h.open(r, asked)
		hs.header(w.Header())
		hs.stream.release(h)
		return
	}
	s.subscribe(w, r, asked, h.open(r, asked))
}

func (h *Handler) reject(w http.ResponseWriter, r *http.Request, why *Rejection) {
	if h.Rejected != nil {
		h.Rejected(r, why)
	}
	WriteRejection(w, r, why, h.traceOf(r).String())
}

// subscribe starts the stream of an admitted request.
func (s *server) subscribe(w http.ResponseWriter, r *http.Request, asked *subscription, hs *handshake) {
	m := meta{id: hs.id, trace: hs.trace, opened: time.Now(), release: hs.release, http2: r.ProtoMajor >= 2, client: asked.client, admission: asked.admission}
	if hs.pong {
		m.pings = newPings(s.clock(), &s.pings)
	}
	if asked.key != "" {
		s.h.Clients.Started(asked.key, hs.clientStarts(asked))
	}
	if !s.takeOver(w, r, hs, m) {
		s.drive(newResponseSink(w), r, hs, m)
	}
	retire(w)
}

// opened tells the observer of a stream whose first bytes were given to its
// socket, or tried to be.
func (s *server) opened(r *http.Request, hs *handshake, m *meta) {
	o := s.h.Observer
	if o == nil {
		return
	}
	at, ctx, c := time.Now(), r.Context(), m.describe(s.h, r.RemoteAddr, &hs.stream)
	outcomes, gaps := hs.outcomes, hs.gaps
	s.notices.post(func() {
		o.Connected(ctx, c, outcomes, at)
		for _, g := range gaps {
			if g != nil {
				o.Gap(c, g)
			}
		}
	})
}

// join makes a stream known, or tells that the server has begun to close.
func (s *server) join(id [16]byte, e ender) bool {
	s.streams.add(id, e)
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closing
}

// leave ends what admit and join began.
func (s *server) leave(m *meta, st *stream, remote string, reason Reason, err error, sent Sent) {
	if o := s.h.Observer; o != nil {
		c := m.describe(s.h, remote, st)
		s.notices.post(func() { o.Disconnected(c, reason, err, sent) })
	}
	if m.client != "" && s.h.Clients != nil {
		client, at := clientKey(m.admission, m.client), st.positions()
		s.notices.post(func() { s.h.Clients.Ended(client, at) })
	}
	st.release(s.h)
	degraded := m.pings != nil && m.pings.end()
	s.streams.remove(m.id)
	m.admission.leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[m.group(degraded)]--
	if s.waiting.Load() > 0 {
		close(s.left)
		s.left = make(chan struct{})
	}
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
	trace  Trace
	http2  bool
	opened time.Time

	release   string     // one of the handler's
	client    string     // of a named client; else empty
	admission *Admission // nil: nobody asks who it is
	pings     *pings     // nil: the heartbeat is not two-way
}

func (m *meta) about() *meta { return m }

func (m *meta) describe(h *Handler, remote string, st *stream) *Conn {
	if m.admission != nil && m.admission.Address != "" {
		remote = m.admission.Address
	}
	c := &Conn{ID: h.connectionID(m.id), Trace: m.trace, Remote: remote, Subject: m.subject(), Release: m.release, Transport: transport(m.http2),
		Client: m.client, Opened: m.opened}
	c.Topics = st.topics()
	return c
}

// Disconnect ends the stream of a connection in good order and reports
// whether there was one of that id.
func (h *Handler) Disconnect(id string) bool {
	key, ok := h.parseConnectionID(id)
	if !ok {
		return false
	}
	e := h.serve().streams.get(key)
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
	for g, n := range s.groups {
		if g.Health == Degraded {
			st.Degraded += n
		}
	}
	s.mu.Unlock()
	st.Replaying, st.SharedFetches, st.UnknownTopics = s.readers.waiting(), s.h.Log.SharedFetches(), s.unknown.Load()
	s.goroutine.addTo(&st)
	s.loops.addTo(&st)
	return st
}

// Groups returns how many streams are open now, by what they have in common.
func (h *Handler) Groups() map[Group]int {
	s := h.serve()
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.groups)
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
	if s.count == 0 {
		close(s.empty)
	}
	s.mu.Unlock()
	for _, e := range s.streams.all() {
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
	s.background.Wait()
	return err
}
