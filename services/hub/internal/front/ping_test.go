package front

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// A silent peer of HTTP/2 is asked whether it lives.
func TestSilentPeersAreAsked(t *testing.T) {
	certFile, keyFile := writePair(t, t.TempDir(), 1)
	f := newTestFront(t, func(o *Options) {
		o.Times.Ping = 50 * time.Millisecond
		o.Settings.TLSCert, o.Settings.TLSKey = certFile, keyFile
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := f.Server(f.Public(http.NotFoundHandler()))
	ended := make(chan error, 1)
	go func() { ended <- Serve(s, l, "public") }()
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
		frame, err := frames.ReadFrame()
		if err != nil {
			t.Fatalf("no ping came: %v", err)
		}
		if p, ok := frame.(*http2.PingFrame); ok && !p.IsAck() {
			return
		}
	}
}
