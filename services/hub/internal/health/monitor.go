package health

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/services/handshakes"
)

// Monitor measures what scores are made of. The zero value works. Its methods
// are safe for concurrent use.
type Monitor struct {
	// Trusted tells whether a request comes from an edge whose headers about
	// its client are to be believed. Nil: none does. Set it before use.
	Trusted func(*http.Request) bool

	peers   handshakes.Table
	lack    atomic.Uint64 // 100 - Q, as the bits of a float64
	running sync.WaitGroup
}

// socket is a connection of an http.Server, found through its requests'
// contexts.
type socket struct {
	conn net.Conn
	peer netip.Addr
	tls  bool

	mu   sync.Mutex // guards rtts
	rtts handshakes.Recent
}

type socketKey struct{}

// ConnContext belongs into http.Server.ConnContext. It makes a connection's
// round trips known to its requests, and times its TLS handshake by beginning
// it before the server does, which waits for it and has its outcome.
func (m *Monitor) ConnContext(ctx context.Context, c net.Conn) context.Context {
	s := &socket{conn: c, peer: address(c.RemoteAddr().String())}
	if t, ok := c.(*tls.Conn); ok {
		s.conn, s.tls = t.NetConn(), true
		m.running.Go(func() { m.handshake(t, s.peer) })
	}
	return context.WithValue(ctx, socketKey{}, s)
}

// handshake ends with the connection at the latest, for which the server has a
// time-out.
func (m *Monitor) handshake(c *tls.Conn, peer netip.Addr) {
	start := time.Now()
	err := c.Handshake()
	if errors.Is(err, io.EOF) {
		return // it looked whether somebody listens, and said nothing
	}
	m.peers.Note(peer, time.Since(start), err == nil)
}

// Wait returns when all handshakes have ended. The server must be closed.
func (m *Monitor) Wait() { m.running.Wait() }

// SetBacklog says how many of the open streams are behind. It is called every
// second or so, and not for each probe: finding it out is work.
func (m *Monitor) SetBacklog(behind, connections int) {
	m.lack.Store(math.Float64bits(100 - Q(behind, connections)))
}

// t rates the handshakes of an address. One that is not remembered has nothing
// against it.
func (m *Monitor) t(addr netip.Addr) float64 {
	successes, took, known := m.peers.Of(addr)
	if !known {
		return 100
	}
	return T(successes, took...)
}

func (m *Monitor) q() float64 { return 100 - math.Float64frombits(m.lack.Load()) }

// Score rates the connection of a request, and takes a sample of its round
// trips.
func (m *Monitor) Score(r *http.Request) int {
	if m.Trusted != nil && m.Trusted(r) {
		if v, ok := edgeView(r.Header); ok {
			return Score(v.r, v.t, m.q())
		}
	}
	s, ok := r.Context().Value(socketKey{}).(*socket)
	if !ok {
		return Score(100, 100, m.q())
	}
	t := 100.0
	if s.tls {
		t = m.t(s.peer)
	}
	return Score(s.sample(), t, m.q())
}

// sample measures the round trip and rates the last ones.
func (s *socket) sample() float64 {
	rtt, ok := RTT(s.conn)
	s.mu.Lock()
	defer s.mu.Unlock()
	if ok {
		s.rtts.Add(rtt)
	}
	return R(s.rtts.All()...)
}

// ScoreStream rates an open stream by the address of its peer, whether it came
// over TLS, and its socket's round trip; 0 where that is unknown.
func (m *Monitor) ScoreStream(remote string, secure bool, rtt time.Duration) int {
	r, t := 100.0, 100.0
	if rtt > 0 {
		r = R(rtt)
	}
	if secure {
		t = m.t(address(remote))
	}
	return Score(r, t, m.q())
}

// SocketRTT returns the round trip that the kernel has measured for the
// connection of a request; 0: unknown.
func SocketRTT(r *http.Request) time.Duration {
	s, ok := r.Context().Value(socketKey{}).(*socket)
	if !ok {
		return 0
	}
	rtt, _ := RTT(s.conn)
	return rtt
}

// address returns the address in host:port, or in a host alone.
func address(remote string) netip.Addr {
	if a, err := netip.ParseAddrPort(remote); err == nil {
		return a.Addr().Unmap()
	}
	a, _ := netip.ParseAddr(remote) // that of nobody where it is none
	return a.Unmap()
}
