package main

import (
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// What anybody can do to a listener with TLS without a request writes few
// lines, and none that warns: HTTP without TLS, connects that say nothing,
// bytes that are no handshake, and what HTTP/2 does not allow.
func TestTLSLinesAreSampled(t *testing.T) {
	t.Parallel()
	id := newIdentity(t, time.Now().Add(time.Hour))
	h := startHub(t, id.settings()...)
	address := strings.TrimPrefix(h.public, "https://")
	start := time.Now()
	const each = 300
	for range each {
		say(t, address, "GET / HTTP/1.1\r\nHost: hub\r\n\r\n")
		say(t, address, "\x16\x03\x01\x00\x02no")
		for _, linger := range []int{-1, 0} { // a close, and one with a reset
			c := connect(t, address)
			c.(*net.TCPConn).SetLinger(linger)
			c.Close()
		}
	}
	for range 50 {
		misframe(t, address, id)
	}
	if answer, _ := ask(t, id.client(t, false), "GET", h.public+"/v1/nothing", "", nil); answer.StatusCode != 404 {
		t.Errorf("a request after all that: %s", answer.Status)
	}
	most := 2 * sampledLines * (int(time.Since(start)/time.Second) + 2)
	if err := h.stop(); err != nil { // when it has ended, all is written
		t.Fatal(err)
	}
	handshakes, frames := 0, 0
	for _, l := range h.logs {
		text, _ := l["msg"].(string)
		switch {
		case l["level"] == "WARN" || l["level"] == "ERROR":
			t.Errorf("%v", l)
		case strings.Contains(text, "TLS handshake error") && l["event_type"] == "tls":
			handshakes++
		case strings.HasPrefix(text, "http2: ") && l["event_type"] == "http_request":
			frames++
		}
		if strings.HasSuffix(text, "EOF") || strings.HasSuffix(text, "reset by peer") {
			t.Errorf("a connect that said nothing is worth a line: %v", l)
		}
	}
	if handshakes == 0 || handshakes+frames > most {
		t.Errorf("%d lines of handshakes and %d of HTTP/2, want at least one and %d at most", handshakes, frames, most)
	}
}

// sampledLines is how many lines of one kind the hub writes a second.
const sampledLines = 20

func connect(t *testing.T, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// say sends something, and waits for the end.
func say(t *testing.T, address, text string) {
	t.Helper()
	c := connect(t, address)
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, text)
	c.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, c) // it may be reset
}

// misframe sends a frame to a stream that was never opened.
func misframe(t *testing.T, address string, id identity) {
	t.Helper()
	c, err := tls.Dial("tcp", address, &tls.Config{RootCAs: id.pool, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, http2.ClientPreface)
	frames := http2.NewFramer(c, c)
	if frames.WriteSettings() == nil {
		frames.WriteData(7, false, []byte("x"))
	}
	for {
		if f, err := frames.ReadFrame(); err != nil || f.Header().Type == http2.FrameGoAway {
			return
		}
	}
}
