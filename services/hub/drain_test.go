package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// An operator ends one stream in good order; the others go on.
func TestDisconnect(t *testing.T) {
	h := startHub(t)
	other := h.subscribe("topic=orders", "")
	r, err := http.Get(h.public + "/v1/events?topic=orders")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	mine := &stream{Decoder: wire.NewDecoder(r.Body), t: t}
	m, err := mine.Next()
	var opened struct{ Connection string }
	if err != nil || json.Unmarshal([]byte(m.Data), &opened) != nil {
		t.Fatalf("%+v, %v", m, err)
	}
	target := h.admin + "/v1/connections/" + opened.Connection
	if answer, text := ask(t, http.DefaultClient, "DELETE", target, "", nil); answer.StatusCode != 204 || text != "" ||
		!traceID.MatchString(answer.Header.Get("X-Trace-Id")) {
		t.Errorf("DELETE: %s %s", answer.Status, text)
	}
	for {
		if m, err = mine.Next(); err != nil {
			break
		}
	}
	if err != io.EOF {
		t.Errorf("the stream ended with %v", err)
	}
	if line, _ := h.awaitLog("sse_disconnect", "reason"); line["reason"] != "admin" || line["connection_id"] != opened.Connection {
		t.Errorf("logged %v", line)
	}
	again, err := http.NewRequest("DELETE", target, nil)
	if err != nil {
		t.Fatal(err)
	}
	checkProblem(t, again, 404, "no-such-connection")
	other.expect(publish(t, h, "", nil, "goes on"))
}

// A drain by request is that of a signal: the answer comes, streams end in
// order, run returns nil. Asked twice it is the same.
func TestDrainByRequest(t *testing.T) {
	t.Parallel()
	h := startHub(t)
	s := h.subscribe("topic=orders", "")
	want := publish(t, h, "", nil, "before")
	s.expect(want)
	answer, text := ask(t, http.DefaultClient, "POST", h.admin+"/v1/drain", "", nil)
	if answer.StatusCode != 202 || strings.TrimSpace(text) != `{"state":"draining","streams":1,"timeout_ms":20000}` {
		t.Errorf("drain: %s %s", answer.Status, text)
	}
	for {
		if _, err := s.Next(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("the stream ended with %v", err)
		}
	}
	select {
	case <-h.done:
	case <-time.After(30 * time.Second):
		t.Fatal("the hub goes on")
	}
	if h.err != nil {
		t.Errorf("run returned %v", h.err)
	}
}

func TestDrainIsIdempotent(t *testing.T) {
	h := startHub(t)
	release := holdPublish(t, h)
	for range 3 {
		if answer, text := ask(t, http.DefaultClient, "POST", h.admin+"/v1/drain", "", nil); answer.StatusCode != 202 {
			t.Errorf("%s %s", answer.Status, text)
		}
	}
	h.awaitLog("drain", "streams")
	if answer, text := ask(t, http.DefaultClient, "POST", h.admin+"/v1/drain", "", nil); answer.StatusCode != 202 {
		t.Errorf("while draining: %s %s", answer.Status, text)
	}
	release()
	<-h.done
	if h.err != nil {
		t.Error(h.err)
	}
	drains := 0
	for _, l := range h.logs {
		if l["event_type"] == "drain" {
			drains++
		}
	}
	if drains != 1 {
		t.Errorf("it was drained %d times", drains)
	}
}

// awaitDrain waits until a hub that was told to drain does: that it will is
// answered before. What is refused then is a stream of known length.
func awaitDrain(t *testing.T, public string) {
	t.Helper()
	await(t, "the drain has begun", func() bool {
		answer, _ := ask(t, http.DefaultClient, "HEAD", public+"/v1/events?topic=orders", "", nil)
		return answer.ContentLength > 0
	})
}

// holdPublish begins a publish that ends when it is told, or with the test.
func holdPublish(t *testing.T, h *runningHub) (release func()) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.public, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	io.WriteString(c, "POST /v1/topics/orders/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("%q, %v", line, err)
	}
	return func() { io.WriteString(c, "hello") }
}

// Before the end begins, who asks is told that it is near; clients notice
// nothing of it.
func TestShutdownDelay(t *testing.T) {
	t.Parallel()
	const delay = 2 * time.Second
	h := startHub(t, "--shutdown-delay", delay.String())
	s := h.subscribe("topic=orders", "")
	start := time.Now()
	if answer, text := ask(t, http.DefaultClient, "POST", h.admin+"/v1/drain", "", nil); answer.StatusCode != 202 {
		t.Fatalf("drain: %s %s", answer.Status, text)
	}
	await(t, "the end is announced", func() bool {
		answer, _ := ask(t, http.DefaultClient, "GET", h.admin+"/readyz", "", nil)
		_, metrics := ask(t, http.DefaultClient, "GET", h.admin+"/metrics", "", nil)
		return answer.StatusCode == 503 && strings.Contains(metrics, "\nsse_draining 1\n")
	})
	s.expect(publish(t, h, "", nil, "as ever"))
	h.subscribe("topic=orders", "")
	if <-h.done; h.err != nil {
		t.Error(h.err)
	}
	if took := time.Since(start); took < delay {
		t.Errorf("the end took %v", took)
	}
}

// Without time to drain, nothing is waited for.
func TestNoDrainTimeout(t *testing.T) {
	h := startHub(t, "--drain-timeout", "0")
	h.subscribe("topic=orders", "")
	holdPublish(t, h)
	start := time.Now()
	if answer, text := ask(t, http.DefaultClient, "POST", h.admin+"/v1/drain", "", nil); answer.StatusCode != 202 || !strings.Contains(text, `"timeout_ms":0`) {
		t.Errorf("drain: %s %s", answer.Status, text)
	}
	if <-h.done; h.err != nil {
		t.Error(h.err)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("the end took %v", took)
	}
}
