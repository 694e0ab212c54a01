package admission

import (
	"container/ring"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// Sockets bounds the connections that an http.Server holds, so that idle ones
// do not use up the files of the process: those of one address, and all. It
// sees them by http.Server's ConnState. Where there are too many in all, the
// one that is idle longest gives way to the new one; where none is idle, or
// too many are of one address, the new one is closed.
//
// Streams whose sockets have left the server are bounded elsewhere, but they
// need files too, so they leave the fewer to others.
type Sockets struct {
	most       int        // in all, with the streams; 0: no limit
	perAddress int        // 0: no limit
	streams    func() int // whose sockets have left the server
	exempt     func(netip.Addr) bool

	mu   sync.Mutex // guards what follows
	held map[net.Conn]*socket
	of   map[netip.Prefix]int
	idle ring.Ring // of *socket behind this one, idle longest first
}

// socket is one connection.
type socket struct {
	conn   net.Conn
	owner  netip.Prefix
	exempt bool
	place  *ring.Ring // in the ring of idle ones, or alone
}

// NewSockets returns a bound of so many connections in all, with the streams
// that have left, and of one address, but for those that are exempt.
func NewSockets(most, perAddress int, streams func() int, exempt func(netip.Addr) bool) *Sockets {
	return &Sockets{most: most, perAddress: perAddress, streams: streams, exempt: exempt,
		held: map[net.Conn]*socket{}, of: map[netip.Prefix]int{}}
}

// State is to be the server's ConnState.
func (s *Sockets) State(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		if out := s.opened(c); out != nil {
			cut(out) // the server finds out by itself
		}
	case http.StateActive:
		s.moved(c, false)
	case http.StateIdle:
		s.moved(c, true)
	case http.StateClosed, http.StateHijacked:
		s.left(c)
	}
}

// opened takes a new connection in, and returns the one that has to go.
func (s *Sockets) opened(c net.Conn) (out net.Conn) {
	a := peer(c)
	n := &socket{conn: c, owner: group(a), exempt: s.exempt(a), place: ring.New(1)}
	n.place.Value = n
	streams := s.streams()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[c] = n
	if !n.exempt {
		s.of[n.owner]++
	}
	switch {
	case s.perAddress > 0 && !n.exempt && s.of[n.owner] > s.perAddress:
		return c
	case s.most > 0 && len(s.held)+streams > s.most:
		if oldest, ok := s.idle.Next().Value.(*socket); ok {
			oldest.place.Prev().Unlink(1)
			return oldest.conn
		}
		return c
	}
	return nil
}

// moved notes that a connection has become idle, or is so no longer.
func (s *Sockets) moved(c net.Conn, idle bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.held[c]
	if n == nil {
		return
	}
	n.place.Prev().Unlink(1)
	if idle {
		s.idle.Prev().Link(n.place)
	}
}

func (s *Sockets) left(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.held[c]
	if n == nil {
		return
	}
	delete(s.held, c)
	n.place.Prev().Unlink(1)
	if n.exempt {
		return
	}
	if s.of[n.owner]--; s.of[n.owner] == 0 {
		delete(s.of, n.owner)
	}
}

// cut closes a connection without a word.
func cut(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn() // else it would take leave of a peer that may not listen
	}
	c.Close()
}

// peer returns the address at the other end.
func peer(c net.Conn) netip.Addr {
	tcp, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return plain(tcp.AddrPort().Addr())
}
