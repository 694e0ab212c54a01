package sse

import (
	"net/http"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// session is an open stream as the server knows it: what describes it, and what
// drives it. What it is told by its driver, it passes on to the observer, the
// meter and the server's own counts.
type session struct {
	// Static, from when the server is told of it (join).
	id        [16]byte
	trace     Trace
	http2     bool
	opened    time.Time
	release   string           // one of the handler's
	client    string           // of a named client; else empty
	admission *Admission       // nil: nobody asks who it is
	pings     *heartbeat.Pings // nil: the heartbeat is not two-way
	server    *server
	driver    driver
	stream    *stream.Stream // the driver's
}

// driver is what writes a stream: a connection of a delivery loop, or a
// request's goroutine. Its methods are called from any goroutine but its own.
type driver interface {
	// End ends the stream in good order.
	End(stream.Reason)
	// Tell sends a control event.
	Tell(event []byte)
	// At returns how far the stream was sent.
	At() map[string]eventlog.ID
	// Remote returns the address of the peer.
	Remote() string
	// SocketRTT returns the round trip that the kernel has measured for the
	// socket, smoothed; 0: unknown.
	SocketRTT() time.Duration
}

// session returns that of a handshake, which has no driver yet.
func (s *server) session(r *http.Request, asked *subscription, hs *handshake) *session {
	x := &session{server: s, id: hs.id, trace: hs.trace, opened: time.Now(), release: hs.release, http2: r.ProtoMajor >= 2,
		client: asked.client, admission: asked.admission}
	if hs.pong {
		x.pings = heartbeat.New(s.clock(), &s.heartbeat)
	}
	return x
}

func (x *session) describe(remote string) *Conn {
	if x.admission != nil && x.admission.Address != "" {
		remote = x.admission.Address
	}
	return &Conn{ID: x.server.h.connectionID(x.id), Trace: x.trace, Remote: remote, Subject: x.subject(), Release: x.release,
		Transport: transport(x.http2), Client: x.client, Opened: x.opened, Topics: x.stream.Topics()}
}

// begun tells the observer of a stream whose first bytes were given to its
// socket, or tried to be.
func (x *session) begun(r *http.Request, hs *handshake) {
	o := x.server.h.Observer
	if o == nil {
		return
	}
	at, ctx, c := time.Now(), r.Context(), x.describe(r.RemoteAddr)
	outcomes, gaps := hs.outcomes, hs.gaps
	x.server.notices.post(func() {
		o.Connected(ctx, c, outcomes, at)
		for _, g := range gaps {
			if g != nil {
				o.Gap(c, g)
			}
		}
	})
}

// Gap implements sockets.Session: a gap opened in mid-stream.
func (x *session) Gap(g *eventlog.GapError) {
	if o := x.server.h.Observer; o != nil {
		c := x.describe(x.driver.Remote())
		x.server.notices.post(func() { o.Gap(c, g) })
	}
}

// Replayed implements sockets.Session.
func (x *session) Replayed(r stream.Replay) {
	o := x.server.h.Observer
	if o == nil {
		return
	}
	c := x.describe(x.driver.Remote())
	told := Replay{Topic: r.Topic, Tier: TierMemory, Events: r.Events, Began: r.Began, Took: r.Took}
	if r.Store {
		told.Tier = TierStore
	}
	x.server.notices.post(func() { o.Replayed(c, told) })
}

// PingMissed implements sockets.Session. A stream's first in a row makes it
// degraded.
func (x *session) PingMissed(first bool) {
	if first {
		x.server.turned(x, true)
	}
	if o := x.server.h.Observer; o != nil {
		o.PingMissed()
	}
}

// Left implements sockets.Session. It ends what admit and join began.
func (x *session) Left(reason stream.Reason, err error, sent stream.Sent) {
	s := x.server
	if o := s.h.Observer; o != nil {
		c := x.describe(x.driver.Remote())
		s.notices.post(func() { o.Disconnected(c, Reason(reason), err, Sent(sent)) })
	}
	if x.client != "" && s.h.Clients != nil {
		client, at := clientKey(x.admission, x.client), x.stream.Positions()
		s.notices.post(func() { s.h.Clients.Ended(client, at) })
	}
	s.h.release(x.stream)
	degraded := x.pings != nil && x.pings.End()
	s.streams.remove(x.id)
	x.admission.leave()
	s.left(x.group(degraded))
}

// release gives up what a stream holds.
func (h *Handler) release(st *stream.Stream) {
	st.Drop()
	for i := range st.Subs {
		t := st.Subs[i].Topic
		h.logOf(t.Name()).Leave(t)
	}
}
