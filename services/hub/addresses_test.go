package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// as are the headers of who comes from an address, by way of a proxy.
func as(address string) header { return header{"X-Forwarded-For": "6.6.6.6, " + address} }

// follow opens a stream from an address, and returns its end.
func (h *runningHub) follow(from string) (end func()) {
	h.t.Helper()
	r, err := http.NewRequest("GET", h.public+"/v1/events?topic=orders", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for name, value := range as(from) {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	if answer.StatusCode != 200 {
		h.t.Fatalf("%s from %s", answer.Status, from)
	}
	h.t.Cleanup(func() { answer.Body.Close() })
	return func() { answer.Body.Close() }
}

// checkTooMany checks a refusal by a limit, and returns when to come back.
func checkTooMany(t *testing.T, answer *http.Response, text, problem string) (seconds int) {
	t.Helper()
	seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
	if answer.StatusCode != 429 || err != nil || seconds < 1 || !strings.Contains(text, problem) {
		t.Errorf("%s %s, Retry-After %q; want %s", answer.Status, text, answer.Header.Get("Retry-After"), problem)
	}
	return seconds
}

// Each address has its own streams, whether or not others have used theirs up,
// and what one gives back it gets again.
func TestStreamsOfOneAddress(t *testing.T) {
	h := startHub(t, "--max-connections-per-address", "2", "--trusted-proxies", "127.0.0.0/8")
	refused := func(from string) {
		t.Helper()
		answer, text := attempt(t, "GET", h.public+"/v1/events?topic=orders", as(from))
		if s := checkTooMany(t, answer, text, "address-limit"); s < 5 || s > 15 {
			t.Errorf("Retry-After: %d", s)
		}
	}
	end := h.follow("192.0.2.1")
	h.follow("192.0.2.1")
	refused("192.0.2.1")
	h.follow("192.0.2.2")
	h.follow("2001:db8::1")
	h.follow("2001:db8::2")
	refused("2001:db8::3")
	h.follow("2001:db8:0:1::1")
	end()
	await(t, "the place is free", func() bool {
		answer, _ := attempt(t, "GET", h.public+"/v1/events?topic=orders", as("192.0.2.1"))
		return answer.StatusCode == 200
	})
	// Who asks for a stream's head holds none.
	for range 5 {
		if answer, _ := ask(t, http.DefaultClient, "HEAD", h.public+"/v1/events?topic=orders", "", as("192.0.2.9")); answer.StatusCode != 200 {
			t.Errorf("HEAD: %s", answer.Status)
		}
	}
	answer, text := ask(t, http.DefaultClient, "GET", h.public+"/v1/events?topic=orders&on_reject=retry", "", as("2001:db8::3"))
	if answer.StatusCode != 200 || !strings.Contains(text, "address-limit") || !strings.Contains(text, `"permanent":false`) {
		t.Errorf("%s %s", answer.Status, text)
	}
	if n := metric(t, h.admin, `sse_rejects_total{reason="address_limit"}`); n < 3 {
		t.Errorf("%v refusals were counted", n)
	}
	var list struct{ Connections []struct{ Remote string } }
	if _, text := get(t, h.admin+"/v1/connections"); json.Unmarshal([]byte(text), &list) != nil {
		t.Error(text)
	}
	seen := map[string]int{}
	for _, c := range list.Connections {
		seen[c.Remote]++
	}
	if seen["192.0.2.2"] != 1 || seen["2001:db8::1"] != 1 {
		t.Errorf("the list shows streams from %v", seen)
	}
	if l, ok := h.awaitLog("sse_connect", "remote"); !ok || l["remote"] != "192.0.2.1" {
		t.Errorf("logged: %v", l)
	}
}

// Nobody's word is taken for an address who is not said to be trusted.
func TestForwardedByAnybody(t *testing.T) {
	h := startHub(t, "--max-connections-per-address", "1")
	h.follow("192.0.2.1")
	answer, text := attempt(t, "GET", h.public+"/v1/events?topic=orders", as("192.0.2.2"))
	checkTooMany(t, answer, text, "address-limit")
}

// A batch counts for its events, and the largest comes through in the end.
func TestPublishRate(t *testing.T) {
	h := startHub(t, "--publish-rate", "500", "--trusted-proxies", "127.0.0.1")
	batch := func(from string, lines int) (*http.Response, string) {
		headers := as(from)
		headers["Content-Type"] = "application/x-ndjson"
		return ask(t, http.DefaultClient, "POST", h.public+"/v1/topics/orders/events", strings.Repeat(`{"data":"x"}`+"\n", lines), headers)
	}
	if answer, text := batch("192.0.2.1", 1000); answer.StatusCode != 200 {
		t.Fatalf("%s %s", answer.Status, text)
	}
	answer, text := batch("192.0.2.1", 1000)
	seconds := checkTooMany(t, answer, text, "publish-rate")
	if seconds < 1 || seconds > 5 { // for the whole batch, or where not even one event had room yet, for that
		t.Errorf("Retry-After: %d", seconds)
	}
	if answer, text := attempt(t, "POST", h.public+"/v1/topics/orders/events", as("192.0.2.2")); answer.StatusCode != 201 {
		t.Errorf("another address: %s %s", answer.Status, text)
	}
	await(t, "the batch comes through", func() bool {
		answer, _ := batch("192.0.2.1", 1000)
		return answer.StatusCode == 200
	})
	if n := metric(t, h.admin, `sse_publishes_total{outcome="accepted"}`); n != 2001 {
		t.Errorf("%v events were accepted", n)
	}
	refused := metric(t, h.admin, `sse_publishes_total{outcome="refused"}`)
	if n := metric(t, h.admin, `sse_rejects_total{reason="publish_rate"}`); n < 1 || n != refused {
		t.Errorf("%v refusals were counted, and %v publishes as refused", n, refused)
	}
}

// Connections that idle do not keep others out when files run short.
func TestIdleConnectionsGiveWay(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no limit of files")
	}
	const files, idle = 300, 400
	p := &hubProcess{t: t, public: programtest.FreeAddress(t), admin: programtest.FreeAddress(t),
		wrapper:  []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$@"`, files), "sh"},
		settings: []string{"--store", "disk", "--data", t.TempDir()}}
	t.Cleanup(p.kill)
	p.start()
	stream := rawSubscribe(t, p.public)
	for range idle {
		c, err := net.Dial("tcp", p.public)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(30 * time.Second))
		fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", p.public)
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, answer.Body); err != nil {
			t.Fatal(err)
		}
	}
	fresh := &http.Client{Transport: &http.Transport{}}
	defer fresh.CloseIdleConnections()
	if _, err := publishOnce(fresh, p.url("/v1/topics/orders/events"), "x"); err != nil {
		t.Error(err)
	}
	if m, err := stream.Next(); err != nil || m.Data != "x" {
		t.Errorf("the stream has %+v, %v", m, err)
	}
	if s := rawSubscribe(t, p.public); s == nil {
		t.Error("idle connections keep a stream out")
	}
	if n := p.metric("process_open_fds"); runtime.GOOS == "linux" && n >= files {
		t.Errorf("%v files are open", n)
	}
}
