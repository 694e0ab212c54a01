package sse

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/services/sse/internal/fanout"
	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/sse/internal/readers"
	"github.com/sluice-stream/sluice/services/sse/internal/sockets"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// server is what runs behind a Handler: the open connections, the delivery
// loops, the reader pool.
type server struct {
	h         *Handler
	began     time.Time
	heartbeat heartbeat.Rules
	ctx       context.Context // ends when connections must go at once
	cancel    context.CancelFunc
	readers   *readers.Pool
	notices   notices
	loops     sockets.Loops
	streams   directory

	mu          sync.Mutex    // guards what follows
	count       int           // streams that were admitted and have not left
	groups      map[Group]int // the same, by what they have in common
	closing     bool
	drainsUntil time.Time     // zero: it does not drain
	empty       chan struct{} // closed when the last stream of a closing server has ended
	leaves      chan struct{} // closed when a stream leaves that somebody waits for

	waiting    atomic.Int32    // for a stream to leave
	goroutine  stream.Counters // of the streams that their request's goroutine drives
	unknown    atomic.Uint64   // resumes in topics that don't exist
	fanouts    fanout.Topics
	sampleGap  atomic.Int64   // of samples from streams with goroutines of their own
	background sync.WaitGroup // ended by ctx
}

func (h *Handler) serve() *server {
	h.once.Do(func() {
		h.server = newServer(h)
		h.server.loops.Start(h.server.config())
	})
	return h.server
}

// newServer returns a server whose delivery loops have not been started.
func newServer(h *Handler) *server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{h: h, ctx: ctx, cancel: cancel, began: time.Now(), heartbeat: h.heartbeatRules(),
		groups: map[Group]int{}, empty: make(chan struct{}), leaves: make(chan struct{})}
	s.readers = readers.New(ctx, h.logOf, s.failed)
	s.notices.start()
	if h.Meter != nil {
		s.background.Go(s.watchStuck)
	}
	return s
}

// config is what the delivery loops are given.
func (s *server) config() sockets.Config {
	h := s.h
	cfg := sockets.Config{
		Log: h.Log, Readers: s.readers, Began: s.began, Heartbeat: s.heartbeat,
		WriteTimeout: or(h.WriteTimeout, DefaultWriteTimeout), EndTimeout: endTime,
		FlushInterval: h.FlushInterval, MaxWriteBytes: or(h.MaxWriteBytes, DefaultMaxWriteBytes),
	}
	if h.Meter != nil {
		cfg.Fanouts, cfg.NewMeter = &s.fanouts, s.newMeter
	}
	return cfg
}

// failed tells the observer that a store could not be read.
func (s *server) failed(topic string, err error) {
	if o := s.h.Observer; o != nil {
		o.Failed(topic, err)
	}
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
		h.release(&hs.stream)
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
	x := s.session(r, asked, hs)
	if asked.key != "" {
		s.h.Clients.Started(asked.key, hs.clientStarts(asked))
	}
	if !s.takeOver(w, r, hs, x) {
		s.drive(newResponseSink(w), r, hs, x)
	}
	retire(w)
}

// join makes a stream known, or tells that the server has begun to close.
func (s *server) join(x *session) bool {
	s.streams.add(x)
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.closing
}

// left ends the count of a stream.
func (s *server) left(g Group) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[g]--
	if s.waiting.Load() > 0 {
		close(s.leaves)
		s.leaves = make(chan struct{})
	}
	if s.count--; s.count == 0 && s.closing {
		close(s.empty)
	}
}

// Disconnect ends the stream of a connection in good order and reports
// whether there was one of that id.
func (h *Handler) Disconnect(id string) bool {
	key, ok := h.parseConnectionID(id)
	if !ok {
		return false
	}
	x := h.serve().streams.get(key)
	if x == nil {
		return false
	}
	x.driver.End(stream.Admin)
	return true
}

// Stats returns figures of this moment.
func (h *Handler) Stats() Stats {
	s := h.serve()
	s.mu.Lock()
	st := Stats{Connections: s.count, Fetches: s.readers.Fetched()}
	for g, n := range s.groups {
		if g.Health == Degraded {
			st.Degraded += n
		}
	}
	s.mu.Unlock()
	st.Replaying, st.SharedFetches, st.UnknownTopics = s.readers.Waiting(), s.h.Log.SharedFetches(), s.unknown.Load()
	st.add(s.goroutine.Load().Plus(s.loops.Figures()))
	return st
}

// add counts what drivers have.
func (st *Stats) add(f stream.Figures) {
	st.ReplayedMemory += f.Memory
	st.ReplayedStore += f.Store
	st.Sent.Events += f.Events()
	st.ReplayedBytes += f.Replayed
	st.CachedPages += f.Saved
	st.Sent.Bytes += f.Bytes + f.Replayed
	st.Stalls += f.Stalls
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
	for _, x := range s.streams.all() {
		x.driver.End(stream.Drain)
	}
	var err error
	select {
	case <-s.empty:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	s.cancel()
	s.loops.Abort()
	<-s.empty        // closing at once takes a moment, not a client's cooperation
	s.readers.Stop() // first: what they answer is for the loops to let go of
	s.loops.Stop()
	s.notices.stop()
	s.background.Wait()
	return err
}
