package main

import (
	"net"
	"net/netip"
	"sync/atomic"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
)

// names is a resolver that knows one name, hub, if any.
type names struct {
	address string // host:port of the resolver
	hub     atomic.Pointer[netip.Addr]
}

func newNames(t *testing.T) *names {
	t.Helper()
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &names{address: socket.LocalAddr().String()}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.serve(socket)
	}()
	t.Cleanup(func() {
		socket.Close()
		<-ended
	})
	return n
}

// is makes the name mean an address.
func (n *names) is(address string) {
	a := netip.MustParseAddr(address)
	n.hub.Store(&a)
}

func (n *names) serve(socket net.PacketConn) {
	question := make([]byte, 512)
	for {
		size, from, err := socket.ReadFrom(question)
		if err != nil {
			return // closed
		}
		if answer, err := n.answer(question[:size]); err == nil {
			socket.WriteTo(answer, from) // whoever gets none asks again
		}
	}
}

// answer says of the hub what Docker would: for ten minutes.
func (n *names) answer(question []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil {
		return nil, err
	}
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, RecursionDesired: m.RecursionDesired, RecursionAvailable: true}
	m.Additionals = nil
	hub := n.hub.Load()
	for _, q := range m.Questions {
		if hub == nil || q.Name.String() != "hub." || q.Type != dnsmessage.TypeA {
			m.RCode = dnsmessage.RCodeNameError
			continue
		}
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 600},
			Body:   &dnsmessage.AResource{A: hub.As4()},
		})
	}
	return m.Pack()
}
