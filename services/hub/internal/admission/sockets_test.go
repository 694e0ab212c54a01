package admission

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"testing"
)

// end is one end of a connection that says where it comes from.
type end struct {
	net.Conn
	from   *net.TCPAddr
	closed bool
}

func (e *end) RemoteAddr() net.Addr { return e.from }
func (e *end) Close() error         { e.closed = true; return nil }

func from(address string) *end {
	return &end{from: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 1))}
}

func (s *Sockets) open(t *testing.T, address string, closed bool) *end {
	t.Helper()
	e := from(address)
	s.State(e, http.StateNew)
	if e.closed != closed {
		t.Errorf("a connection from %s: closed %v", address, e.closed)
	}
	if e.closed {
		s.State(e, http.StateClosed)
	}
	return e
}

func none() int { return 0 }

func TestSocketsOfOneAddress(t *testing.T) {
	s := NewSockets(0, 2, none, netip.Addr.IsLoopback)
	first := s.open(t, "192.0.2.1", false)
	s.open(t, "192.0.2.1", false)
	s.open(t, "192.0.2.1", true)
	s.open(t, "192.0.2.2", false)
	s.State(first, http.StateHijacked)
	s.State(first, http.StateClosed) // once is enough
	s.open(t, "192.0.2.1", false)
	s.open(t, "192.0.2.1", true)
	for range 10 {
		s.open(t, "127.0.0.1", false)
	}
	for e := range s.held {
		s.State(e, http.StateClosed)
	}
	if len(s.held)+len(s.of) != 0 {
		t.Errorf("%v, %v are kept of nobody", s.held, s.of)
	}
}

// The one that is idle longest gives way; who is at work does not.
func TestSocketsInAll(t *testing.T) {
	streams := 0
	s := NewSockets(5, 0, func() int { return streams }, netip.Addr.IsLoopback)
	var e []*end
	for range 4 {
		e = append(e, s.open(t, "127.0.0.1", false))
	}
	for _, i := range []int{1, 0, 2, 3} {
		s.State(e[i], http.StateActive)
		s.State(e[i], http.StateIdle)
	}
	s.State(e[1], http.StateActive)
	s.open(t, "192.0.2.1", false)
	for _, want := range []int{0, 2, 3} {
		s.open(t, "192.0.2.1", false)
		for i := range e {
			if e[i].closed != (i == want) {
				t.Fatalf("connection %d closed: %v, when %d has to go", i, e[i].closed, want)
			}
		}
		e[want].closed = false
		s.State(e[want], http.StateClosed)
	}
	s.open(t, "192.0.2.1", true) // all others are at work
	s.State(e[1], http.StateIdle)
	streams = 1
	s.open(t, "192.0.2.1", false)
	if !e[1].closed {
		t.Error("streams do not count")
	}
	s.open(t, "192.0.2.1", true) // and none goes twice
}

// A server whose clients keep their connections serves all of them.
func TestSocketsOfAServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{ConnState: NewSockets(10, 1, none, netip.Addr.IsLoopback).State,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {})}
	done := make(chan struct{})
	go func() { server.Serve(l); close(done) }()
	defer func() { server.Close(); <-done }()
	for range 50 {
		transport := &http.Transport{}
		answer, err := (&http.Client{Transport: transport}).Get("http://" + l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		defer transport.CloseIdleConnections()
	}
}
