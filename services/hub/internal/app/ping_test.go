package app

import (
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// A silent peer of HTTP/2 is asked whether it lives.
func TestSilentPeersAreAsked(t *testing.T) {
	certFile, keyFile := writePair(t, t.TempDir(), 1)
	h := newTestHub(t, eventlog.Memory(eventlog.MemoryOptions{}), func(h *hub) {
		h.times.ping = 50 * time.Millisecond
		var err error
		if h.certificates, err = loadCertificates(certFile, keyFile, h.logger); err != nil {
			t.Fatal(err)
		}
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := h.server(h.publicHandler())
	ended := make(chan error, 1)
	go func() { ended <- serveOn(s, l, "public") }()
	defer func() {
		s.Close()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()

	// The certificate of the test is for no name.
	c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, http2.ClientPreface)
	frames := http2.NewFramer(c, c)
	if err := frames.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	for {
		f, err := frames.ReadFrame()
		if err != nil {
			t.Fatalf("no ping came: %v", err)
		}
		if p, ok := f.(*http2.PingFrame); ok && !p.IsAck() {
			return
		}
	}
}
