package main

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// The route of pongs, over the wire: what it takes, and what it says to the
// rest.
func TestPongRoute(t *testing.T) {
	h := startHub(t, "--ping-interval", "30s", "--pong-timeout", "30s")
	opened := make(chan opening, 1)
	// It never comes to a ping, so that every pong is stale.
	go func() {
		_ = answerPings(http.DefaultClient, h.public, "topic=a&topic=b", func(o opening) { opened <- o })
	}()
	o := <-opened
	if o.Heartbeat.Mode != "pong" || o.Heartbeat.IntervalMS != 30_000 || o.Heartbeat.TimeoutMS != 30_000 {
		t.Errorf("%+v", o)
	}
	for _, row := range []struct {
		name, method, id, body string
		status                 int
		problem                string
	}{
		{"stale", "POST", o.Connection, `{"seq":1,"ts":1763820000000}`, 409, "stale-pong"},
		{"unknown members", "POST", o.Connection, `{"seq":1,"ts":"then","more":[{}],"last_event_id":"a@5-1"}`, 409, "stale-pong"},
		{"another's", "POST", "n1-00000000000000000000000000000000", `{"seq":1}`, 404, "no-such-connection"},
		{"no id", "POST", "x", `{"seq":1}`, 404, "no-such-connection"},
		{"no body", "POST", o.Connection, "", 400, "invalid-pong"},
		{"no JSON", "POST", o.Connection, "seq=1", 400, "invalid-pong"},
		{"trailing", "POST", o.Connection, `{"seq":1}{}`, 400, "invalid-pong"},
		{"no seq", "POST", o.Connection, `{"ts":1}`, 400, "invalid-pong"},
		{"null", "POST", o.Connection, `{"seq":null}`, 400, "invalid-pong"},
		{"negative", "POST", o.Connection, `{"seq":-1}`, 400, "invalid-pong"},
		{"a fraction", "POST", o.Connection, `{"seq":1.5}`, 400, "invalid-pong"},
		{"text", "POST", o.Connection, `{"seq":"1"}`, 400, "invalid-pong"},
		{"huge", "POST", o.Connection, `{"seq":18446744073709551616}`, 400, "invalid-pong"},
		{"bad id", "POST", o.Connection, `{"seq":1,"last_event_id":"nonsense"}`, 400, "invalid-pong"},
		{"an id of which topic?", "POST", o.Connection, `{"seq":1,"last_event_id":"5-1"}`, 400, "invalid-pong"},
		{"64 topics with the longest names and ids", "POST", o.Connection, `{"seq":7,"last_event_id":"` +
			strings.TrimPrefix(strings.Repeat(","+strings.Repeat("t", 128)+"@18446744073709551615-18446744073709551615", 64), ",") + `"}`, 409, "stale-pong"},
		{"large", "POST", o.Connection, `{"seq":1,"more":"` + strings.Repeat("x", 16<<10) + `"}`, 413, "pong-too-large"},
		{"GET", "GET", o.Connection, "", 405, "method-not-allowed"},
	} {
		status, head, body := h.ask(t, row.method, "/v1/connections/"+row.id+"/pong", row.body)
		if status != row.status || !strings.Contains(body, `"urn:sluice:problem:`+row.problem+`"`) || head.Get("X-Trace-Id") == "" {
			t.Errorf("%s: %d %s", row.name, status, body)
		}
	}
}

// ask sends a request and returns the answer.
func (h *runningHub) ask(t *testing.T, method, path, body string, header ...string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequest(method, h.public+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(text)
}

// A named client's pongs move its cursor: it comes back without an id behind
// the last event that it acknowledged.
func TestPongMovesNamedClients(t *testing.T) {
	h := startHub(t, "--ping-interval", "200ms", "--pong-timeout", "200ms", "--max-missed-pings", "0")
	s := h.subscribe("topic=a&client_id=tab&heartbeat=pong", "")
	await(t, "the stream to be listed", func() bool { return len(listConnections(t, h.admin)) == 1 }) // its head may be here before
	id := listConnections(t, h.admin)[0].ID
	var ids [2]string
	for i, data := range []string{"one", "two"} {
		status, _, body := h.ask(t, "POST", "/v1/topics/a/events", data)
		_, rest, _ := strings.Cut(body, `"id":"`)
		if ids[i], _, _ = strings.Cut(rest, `"`); status != 201 {
			t.Fatalf("%d %s", status, body)
		}
	}
	first, last := ids[0], ids[1]
	for events := 0; ; {
		m, err := s.Next()
		if err != nil {
			t.Fatal(err)
		}
		if m.Type != "stream.ping" {
			events++
			continue
		}
		if events < 2 {
			continue
		}
		seq, _, _ := strings.Cut(strings.TrimPrefix(m.Data, `{"seq":`), ",")
		status, head, body := h.ask(t, "POST", "/v1/connections/"+id+"/pong", `{"seq":`+seq+`,"last_event_id":"`+first+`"}`)
		if status == 409 { // the machine is busy, and the next ping was out
			continue
		}
		if status != 204 || body != "" || head.Get("X-Trace-Id") == "" {
			t.Fatalf("%d %s", status, body)
		}
		break
	}
	again := h.subscribe("topic=a&client_id=tab", "")
	if m, err := again.Next(); err != nil || m.ID != last || m.Data != "two" {
		t.Errorf("it resumed with %+v, %v; want %s", m, err, last)
	}
}

// Idle sockets of HTTP/1.1 are kept for who asks only.
func TestPongClosesItsSocket(t *testing.T) {
	h := startHub(t)
	for _, row := range []struct {
		connection string
		closed     bool
	}{{"", true}, {"Connection: keep-alive\r\n", false}, {"Connection: TE, Keep-Alive\r\n", false}, {"Connection: close\r\n", true}} {
		answer := h.exchange(t, "POST /v1/connections/x/pong HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"+row.connection+"\r\n{\"seq\":1}")
		if !strings.HasPrefix(answer, "HTTP/1.1 404 ") || strings.Contains(answer, "\r\nConnection: close\r\n") != row.closed {
			t.Errorf("%q: %s", row.connection, answer)
		}
	}
}

// Health probes are answered whatever stands in the way of others.
func TestProbe(t *testing.T) {
	h := startHub(t)
	for _, row := range []struct {
		request string
		probed  bool
	}{
		{"HEAD / HTTP/1.1\r\nHost: localhost\r\nX-Heartbeat: true", true},
		{"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nX-Heartbeat: True", true},
		{"GET /nowhere?topic=%zz HTTP/1.1\r\nHost: evil.example\r\nX-Heartbeat: true", true},
		{"GET /v1/topics/a/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer nonsense\r\nOrigin: https://evil.example\r\nX-Heartbeat: true", true},
		{"GET / HTTP/1.1\r\nHost: localhost\r\nX-Heartbeat: false", false},
		{"GET / HTTP/1.1\r\nHost: localhost", false},
		{"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nX-Heartbeat: true", false},
		{"POST /v1/topics/a/events HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nX-Heartbeat: true", false},
	} {
		answer := h.exchange(t, row.request+"\r\nConnection: close\r\n\r\n")
		head, body, _ := strings.Cut(answer, "\r\n\r\n")
		probed := strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n") && strings.Contains(head, "\r\nX-Health-Score: 100") && body == ""
		if probed != row.probed || !strings.Contains(head, "\r\nX-Trace-Id: ") {
			t.Errorf("%q: %.300s", row.request, answer)
		}
	}
	if n := metric(t, h.admin, "sse_health_score_count"); n != 4 {
		t.Errorf("%v scores are counted", n)
	}
	if status, _ := get(t, h.admin+"/healthz"); status != 200 {
		t.Errorf("healthz: %d", status)
	}
}

// exchange sends the bytes of a request and returns those of the answer.
func (h *runningHub) exchange(t *testing.T, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(h.public, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	var bytes strings.Builder
	method, _, _ := strings.Cut(request, " ")
	answer, err := http.ReadResponse(bufio.NewReader(io.TeeReader(c, &bytes)), &http.Request{Method: method})
	if err == nil {
		defer answer.Body.Close()
		_, err = io.Copy(io.Discard, answer.Body)
	}
	if err != nil {
		t.Fatalf("%q: %v, %q", request, err, &bytes)
	}
	return bytes.String()
}
