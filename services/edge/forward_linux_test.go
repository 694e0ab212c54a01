package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

// listen runs an edge in front of a handler, and returns the requests that
// reach it.
func listen(t *testing.T, handler http.HandlerFunc, flags ...string) (*door, <-chan *http.Request) {
	t.Helper()
	came := make(chan *http.Request, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came <- r
		handler(w, r)
	}))
	t.Cleanup(server.Close)
	names := newNames(t)
	names.is("127.0.0.1")
	return newEdge(t, names, portOf(server.Listener.Addr().String()), flags...), came
}

// spoofed is what only an edge may say.
var spoofed = []string{
	"X-Forwarded-For", "203.0.113.9", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "evil.test", "Forwarded", "for=203.0.113.9",
	"X-Edge-Rtt", "900000", "X-Edge-Handshakes", "0", "X-Edge-Handshake-Time", "900000",
}

// What a client claims to be is not handed on; what the edge sees is.
func TestClaims(t *testing.T) {
	e, came := listen(t, func(http.ResponseWriter, *http.Request) {})
	for _, path := range []string{"/v1/events?topic=orders", "/v1/topics/orders/events"} {
		ask(t, "GET", e.url+path, "", spoofed...)
		r := <-came
		for name, want := range map[string]string{
			"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http", "X-Forwarded-Host": e.url[len("http://"):],
			"Forwarded": "", "X-Edge-Handshakes": "", "X-Edge-Handshake-Time": "",
		} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", path, name, got, want)
			}
		}
		rtt, err := strconv.Atoi(r.Header.Get("X-Edge-Rtt"))
		if err != nil || rtt <= 0 || rtt == 900_000 {
			t.Errorf("%s: X-Edge-Rtt %q", path, r.Header.Get("X-Edge-Rtt"))
		}
		if r.Host != e.url[len("http://"):] || r.Proto != "HTTP/1.1" {
			t.Errorf("%s: %s for %s", path, r.Proto, r.Host)
		}
	}
}

// All else arrives as it was sent, the path as it was written. A request id
// that is none is replaced.
func TestHandedOn(t *testing.T) {
	e, came := listen(t, func(http.ResponseWriter, *http.Request) {})
	sent := []string{
		"Baggage", "release=canary", "X-Release-Version", "canary",
		"Last-Event-Id", "1-1", "Authorization", "Bearer abc", "Cookie", "sluice_token=abc", "Idempotency-Key", "k", "X-Request-Id", "mine-1",
	}
	for _, path := range []string{"/v1/events?topic=orders&access_token=a%20b", "/v1/topics/a%2Fb/events?type=x"} {
		answer, _ := ask(t, "POST", e.url+path, "data", sent...)
		r := <-came
		if r.RequestURI != path || r.Method != "POST" || r.ContentLength != 4 {
			t.Errorf("%s %s with %d bytes; sent was POST %s", r.Method, r.RequestURI, r.ContentLength, path)
		}
		for i := 0; i < len(sent); i += 2 {
			if got := r.Header.Get(sent[i]); got != sent[i+1] {
				t.Errorf("%s: %q, want %q", sent[i], got, sent[i+1])
			}
		}
		if got := answer.Header.Get("X-Request-Id"); got != "mine-1" {
			t.Errorf("answered is request %q", got)
		}
		answer, _ = ask(t, "GET", e.url+path, "", "X-Request-Id", "no id")
		r = <-came
		if got := r.Header.Get("X-Request-Id"); len(got) != 32 || got != answer.Header.Get("X-Request-Id") {
			t.Errorf("request id %q, answered %q", got, answer.Header.Get("X-Request-Id"))
		}
	}
}

// The hub takes the edge's word, and through the edge nobody else's: also not
// that of a client whose own address is a proxy's, as behind Docker's gateway.
func TestHubBelievesEdgeOnly(t *testing.T) {
	e, h := behind(t)
	for _, from := range []string{"127.0.0.1", "127.0.0.7"} {
		client := clientAt(from)
		r, err := http.NewRequestWithContext(t.Context(), "GET", e.url+"/v1/events?topic=orders", nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(spoofed); i += 2 {
			r.Header.Set(spoofed[i], spoofed[i+1])
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var remotes []string
		await(t, "the hub has the stream", func() bool { remotes = h.connections(); return len(remotes) == 1 })
		if remotes[0] != from {
			t.Errorf("a client at %s is taken for one at %s", from, remotes[0])
		}
		answer.Body.Close()
		await(t, "the hub has no stream", func() bool { return len(h.connections()) == 0 })
	}
	score := func(base string) int {
		t.Helper()
		answer, _ := ask(t, "GET", base+"/", "", append([]string{"X-Heartbeat", "true"}, spoofed...)...)
		n, err := strconv.Atoi(answer.Header.Get("X-Health-Score"))
		if err != nil {
			t.Fatalf("no score: %s", answer.Status)
		}
		return n
	}
	// From a proxy the claims count: a slow client, whose handshakes fail.
	if direct, through := score("http://"+h.address), score(e.url); direct != 20 || through < 90 {
		t.Errorf("score of the claims %d, want 20; through the edge %d, want 90 or more", direct, through)
	}
}

// clientAt returns a client with an address of its own.
func clientAt(address string) *http.Client {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		return dialer.DialContext(ctx, network, to)
	}}}
}
