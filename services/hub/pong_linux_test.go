package main

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// startPinging starts a hub that pings often, and lets clients miss a few.
func startPinging(t *testing.T) *runningHub {
	t.Helper()
	return startHub(t, "--ping-interval", "1s", "--pong-timeout", "500ms", "--max-missed-pings", "5", "--write-timeout", "2m")
}

func (h *runningHub) awaitHealth(want string) {
	h.t.Helper()
	await(h.t, "the client to be "+want, func() bool {
		list := listConnections(h.t, h.admin)
		return len(list) == 1 && list[0].Health == want
	})
}

// awaitGone waits until the only stream has ended for a reason.
func (h *runningHub) awaitGone(reason string) {
	h.t.Helper()
	line, ok := h.awaitLog("sse_disconnect", "reason")
	if !ok || line["reason"] != reason {
		h.t.Errorf("the stream ended: %v", line)
	}
	if n := len(listConnections(h.t, h.admin)); n != 0 {
		h.t.Errorf("%d streams are still there", n)
	}
}

// A client that is frozen is degraded, heals when it goes on, and is dead when
// it does not.
func TestFrozenClient(t *testing.T) {
	t.Parallel()
	h := startPinging(t)
	client := exec.Command(os.Args[0])
	client.Env = append(os.Environ(), "HUB_TEST_BE_CLIENT="+h.public)
	client.Stderr = os.Stderr
	if err := client.Start(); err != nil {
		t.Fatal(err)
	}
	defer client.Wait()
	defer client.Process.Kill()
	await(t, "a round trip", func() bool {
		list := listConnections(t, h.admin)
		return len(list) == 1 && list[0].Health == "healthy" && list[0].RTT > 0 && list[0].SocketRTT > 0 && list[0].Score > 0
	})
	signal := func(s os.Signal) {
		if err := client.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	h.awaitHealth("degraded")
	signal(syscall.SIGCONT)
	h.awaitHealth("healthy")
	signal(syscall.SIGSTOP)
	h.awaitHealth("degraded")
	h.awaitGone("pong_timeout")
	if missed := metric(t, h.admin, "sse_pings_missed_total"); missed < 6 {
		t.Errorf("%v missed", missed)
	}
	if trips := metric(t, h.admin, "sse_ping_rtt_seconds_count"); trips < 2 {
		t.Errorf("%v round trips", trips)
	}
}

// A proxy that swallows the stream acknowledges all that it is sent.
func TestSilentProxy(t *testing.T) {
	t.Parallel()
	h := startPinging(t)
	p := newProxy(t, h.public[len("http://"):])
	ctx, cancel := context.WithCancel(context.Background())
	var client sync.WaitGroup
	client.Go(func() {
		transport := &http.Transport{DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}}
		defer transport.CloseIdleConnections()
		_ = answerPings(&http.Client{Transport: transport, Timeout: 30 * time.Second}, "http://"+p.Addr().String(), "topic=a", nil)
	})
	await(t, "a round trip", func() bool { return metric(t, h.admin, "sse_ping_rtt_seconds_count") > 0 })
	close(p.silent)
	h.awaitHealth("degraded")
	h.awaitGone("pong_timeout")
	cancel()
	for _, c := range p.sockets() {
		c.Close()
	}
	client.Wait()
}

func (p *proxy) sockets() []net.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conns
}

// A cut cable: packets for the client are dropped before its kernel sees
// them, so that nothing is acknowledged.
func TestCutCable(t *testing.T) {
	t.Parallel()
	h := startPinging(t)
	raw := dialRaw(t, h)
	h.awaitHealth("healthy")
	control(t, raw, func(fd int) error {
		drop := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K}
		return unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 1, Filter: &drop})
	})
	h.awaitHealth("degraded")
	h.awaitGone("pong_timeout")
}

// A half-open peer: it has started anew and knows nothing of the connection.
// The first ping finds that out.
func TestHalfOpenPeer(t *testing.T) {
	t.Parallel()
	h := startPinging(t)
	raw := dialRaw(t, h)
	h.awaitHealth("healthy")
	control(t, raw, func(fd int) error { // without a FIN or RST
		err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1)
		if err == unix.EPERM && os.Getenv("SLUICE_CI") == "" {
			t.Skip("needs CAP_NET_ADMIN")
		}
		return err
	})
	raw.Close()
	h.awaitGone("client")
}

// dialRaw subscribes with a two-way heartbeat and answers nothing.
func dialRaw(t *testing.T, h *runningHub) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", h.public[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if _, err := c.Write([]byte("GET /v1/events?topic=a&heartbeat=pong HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

func control(t *testing.T, c *net.TCPConn, f func(fd int) error) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var failed error
	if err := raw.Control(func(fd uintptr) { failed = f(int(fd)) }); err != nil || failed != nil {
		t.Fatalf("%v, %v", err, failed)
	}
}
