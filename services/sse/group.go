package sse

import "net/http"

// Group is what streams have in common that figures tell apart.
type Group struct {
	Release   string
	Transport Transport
	Health    Health // empty where the heartbeat is not two-way
}

// Transport is the version of HTTP that a stream goes over.
type Transport string

// The transports.
const (
	HTTP1 Transport = "http1"
	HTTP2 Transport = "http2"
)

func transport(http2 bool) Transport {
	if http2 {
		return HTTP2
	}
	return HTTP1
}

// groupOf returns the group that the stream of a request begins in.
func (h *Handler) groupOf(r *http.Request, asked *subscription) Group {
	g := Group{Release: asked.release, Transport: transport(r.ProtoMajor >= 2)}
	if h.pongs(asked) {
		g.Health = Healthy
	}
	return g
}

// group returns the group that a stream is in.
func (x *session) group(degraded bool) Group {
	g := Group{Release: x.release, Transport: transport(x.http2)}
	switch {
	case degraded:
		g.Health = Degraded
	case x.pings != nil:
		g.Health = Healthy
	}
	return g
}

// turned moves a stream to the group that it is in now.
func (s *server) turned(x *session, degraded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.groups[x.group(!degraded)]--
	s.groups[x.group(degraded)]++
}
