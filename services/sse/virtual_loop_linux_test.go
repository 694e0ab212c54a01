package sse

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/sluice-stream/sluice/services/sse/internal/sockets"
)

// socketPair is the client of a stream that a loop writes.
type socketPair struct {
	pollers []*roomy // of all loops: the stream is the first and only of one
	fd      int
}

// roomy stands for epoll, which waits in the kernel, where time is real: the
// client says when its socket has room again.
type roomy struct {
	added   atomic.Bool
	reports chan []sockets.Ready
}

func (p *roomy) Add(int, sockets.Ref) error { p.added.Store(true); return nil }
func (p *roomy) Remove(int)                 {}
func (p *roomy) Stop()                      { close(p.reports) }
func (p *roomy) Close()                     {}

func (p *roomy) Run(report func([]sockets.Ready)) {
	for r := range p.reports {
		report(r)
	}
}

func dialLoop(v *virtual, target string) virtualClient {
	var all []*roomy
	cfg := v.h.server.config()
	cfg.NewPoller = func() sockets.Poller {
		all = append(all, &roomy{reports: make(chan []sockets.Ready)})
		return all[len(all)-1]
	}
	v.h.server.loops.Start(cfg)
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		v.t.Fatal(err)
	}
	file := os.NewFile(uintptr(fds[0]), "stream")
	nc, err := net.FileConn(file)
	file.Close()
	if err != nil {
		v.t.Fatal(err)
	}
	v.t.Cleanup(func() { unix.Close(fds[1]) })
	v.h.ServeHTTP(hijackable{httptest.NewRecorder(), nc}, httptest.NewRequest("GET", target, nil))
	return socketPair{all, fds[1]}
}

func (c socketPair) read() string {
	var all strings.Builder
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(c.fd, buf)
		if n <= 0 || err != nil {
			break
		}
		all.Write(buf[:n])
	}
	if all.Len() > 0 {
		for _, p := range c.pollers {
			if p.added.Load() {
				p.reports <- []sockets.Ready{{Writable: true}} // the zero Ref is the first of a loop
			}
		}
	}
	return all.String()
}

// hijackable gives its socket away.
type hijackable struct {
	http.ResponseWriter
	nc net.Conn
}

func (h hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.nc, bufio.NewReadWriter(bufio.NewReader(h.nc), bufio.NewWriter(h.nc)), nil
}
