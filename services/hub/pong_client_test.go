package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/wire"
)

// A test binary can be a client that answers pings until its stream ends, in
// a process of its own that can be frozen.
func init() {
	if url := os.Getenv("HUB_TEST_BE_CLIENT"); url != "" {
		if err := answerPings(http.DefaultClient, url, "topic=a", nil); err != nil && err != io.EOF {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(0)
	}
}

// opening is what tests need of stream.open.
type opening struct {
	Connection string
	Heartbeat  struct {
		Mode       string
		IntervalMS int64 `json:"interval_ms"`
		TimeoutMS  int64 `json:"timeout_ms"`
	}
}

// answerPings follows a stream with a two-way heartbeat to its end.
func answerPings(client *http.Client, url, query string, opened func(opening)) error {
	answer, err := client.Get(url + "/v1/events?heartbeat=pong&" + query)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	d := wire.NewDecoder(answer.Body)
	var o opening
	for {
		m, err := d.Next()
		if err != nil {
			return err
		}
		switch m.Type {
		case "stream.open":
			if err := json.Unmarshal([]byte(m.Data), &o); err != nil {
				return err
			}
			if opened != nil {
				opened(o)
			}
		case "stream.ping":
			// The ping's data and more is a pong. What the hub says to an old
			// one, or to one too late, is not this client's concern.
			if reply, err := client.Post(url+"/v1/connections/"+o.Connection+"/pong", "application/json", bytes.NewBufferString(m.Data)); err == nil {
				reply.Body.Close()
			}
		}
	}
}

// listed is what tests need of GET /v1/connections.
type listed struct {
	ID          string
	Health      string
	RTT         float64 `json:"rtt_ms"`
	SocketRTT   float64 `json:"socket_rtt_ms"`
	Score       int
	Connections []listed
}

func listConnections(t *testing.T, admin string) []listed {
	t.Helper()
	_, text := get(t, admin+"/v1/connections")
	var l listed
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return l.Connections
}

// proxy forwards to a hub until it goes silent: it accepts all, and nothing
// comes through.
type proxy struct {
	net.Listener
	target string
	silent chan struct{} // closed: nothing is forwarded any more

	mu    sync.Mutex
	conns []net.Conn
	done  sync.WaitGroup
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, target: target, silent: make(chan struct{})}
	p.done.Go(p.run)
	t.Cleanup(func() {
		l.Close()
		p.mu.Lock()
		for _, c := range p.conns {
			c.Close()
		}
		p.mu.Unlock()
		p.done.Wait()
	})
	return p
}

func (p *proxy) run() {
	for {
		in, err := p.Accept()
		if err != nil {
			return
		}
		out, err := net.Dial("tcp", p.target)
		if err != nil {
			in.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, in, out)
		p.mu.Unlock()
		p.done.Go(func() { p.forward(in, out) })
		p.done.Go(func() { p.forward(out, in) })
	}
}

func (p *proxy) forward(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		select {
		case <-p.silent:
			return // the sockets stay open
		default:
		}
		if err != nil {
			to.Close()
			return
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return
		}
	}
}
