package main

import (
	"net"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// network is the way to a server, of the kind that trains have: it can be
// lost, and it can look alive while nothing gets through.
type network struct {
	t       *testing.T
	target  string
	address string

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	conns    map[net.Conn]bool
	dark     bool // what arrives is swallowed
	running  sync.WaitGroup
}

func newNetwork(t *testing.T, target string) *network {
	t.Helper()
	n := &network{t: t, target: target, address: programtest.FreeAddress(t), conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		n.lose()
		n.running.Wait()
	})
	n.back()
	return n
}

// lose cuts every connection and refuses new ones.
func (n *network) lose() {
	n.mu.Lock()
	if n.listener != nil {
		n.listener.Close()
		n.listener = nil
	}
	n.mu.Unlock()
	n.cut()
}

// back ends what lose began.
func (n *network) back() {
	n.t.Helper()
	l, err := net.Listen("tcp", n.address)
	if err != nil {
		n.t.Fatal(err)
	}
	n.mu.Lock()
	n.listener = l
	n.mu.Unlock()
	n.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.running.Go(func() { n.carry(c) })
		}
	})
}

// darken swallows everything from now on, until cut.
func (n *network) darken() {
	n.mu.Lock()
	n.dark = true
	n.mu.Unlock()
}

// cut resets every connection.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	clear(n.conns)
	n.dark = false
}

// carry serves one connection. While the server is away it is cut at once.
func (n *network) carry(client net.Conn) {
	server, err := net.Dial("tcp", n.target)
	if err != nil {
		client.(*net.TCPConn).SetLinger(0)
		client.Close()
		return
	}
	n.mu.Lock()
	n.conns[client], n.conns[server] = true, true
	n.mu.Unlock()
	n.running.Go(func() { n.pass(server, client) })
	n.pass(client, server)
}

// pass moves bytes one way until either end is gone, and then closes both.
func (n *network) pass(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		got, err := from.Read(buf)
		n.mu.Lock()
		dark := n.dark
		n.mu.Unlock()
		if got > 0 && !dark {
			to.Write(buf[:got]) // where that fails, so does the next read
		}
		if err != nil {
			break
		}
	}
	n.mu.Lock()
	delete(n.conns, from)
	delete(n.conns, to)
	n.mu.Unlock()
	from.Close()
	to.Close()
}
