package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// entry is a line of the access log.
type entry struct {
	Time, Level, Msg, Client, Topic string
	Service                         string `json:"service_name"`
	TraceID                         string `json:"trace_id"`
	RequestID                       string `json:"request_id"`
	Status                          int    `json:"http_status"`
	Duration                        *int   `json:"duration_ms"`
	Upstream                        string `json:"upstream_status"`
}

// logged waits for the line of the request with that id.
func logged(t *testing.T, e *door, request string) (found entry) {
	t.Helper()
	await(t, "a line of "+request, func() bool {
		for line := range strings.Lines(e.written(t)) {
			var l entry
			if strings.HasPrefix(line, "{") && json.Unmarshal([]byte(line), &l) == nil && l.RequestID == request {
				found = l
				return true
			}
		}
		return false
	})
	return found
}

// The trace that a caller begins is the hub's, is answered, and is in the
// edge's line; so is one that the hub begins.
func TestTrace(t *testing.T) {
	e, h := behind(t)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	url := e.url + "/v1/topics/orders/events?type=a"
	for id, c := range map[string]struct{ header, value, want string }{
		"w3c":  {"traceparent", "00-" + trace + "-00f067aa0ba902b7-01", trace},
		"uber": {"uber-trace-id", trace + ":00f067aa0ba902b7:0:1", trace},
		"none": {"X-Nothing", "", ""},
	} {
		answer, _ := ask(t, "POST", url, "data", c.header, c.value, "X-Request-Id", id)
		got := answer.Header.Get("X-Trace-Id")
		if len(got) != 32 || c.want != "" && got != c.want {
			t.Errorf("%s: trace %q, want %q", id, got, c.want)
		}
		l := logged(t, e, id)
		if l.TraceID != got || l.Status != http.StatusCreated || l.Level != "INFO" || l.Msg != "POST /v1/topics/orders/events" ||
			l.Service != "edge" || l.Client != "127.0.0.1" || l.Time == "" || l.Duration == nil {
			t.Errorf("%s: logged %+v", id, l)
		}
	}
	h.kill()
	for id, c := range map[string]struct{ header, value string }{
		"w3c without a hub":  {"traceparent", "00-" + trace + "-00f067aa0ba902b7-01"},
		"uber without a hub": {"uber-trace-id", trace + "%3A00f067aa0ba902b7%3A0%3A1"},
	} {
		id = strings.ReplaceAll(id, " ", "-")
		answer, _ := ask(t, "GET", e.url+"/v1/events?topic=orders", "", c.header, c.value, "X-Request-Id", id)
		l := logged(t, e, id)
		if answer.Header.Get("X-Trace-Id") != trace || l.TraceID != trace || l.Level != "ERROR" || l.Status != http.StatusBadGateway || l.Upstream != "502" || l.Topic != "orders" {
			t.Errorf("%s: answered %q, logged %+v", id, answer.Header.Get("X-Trace-Id"), l)
		}
	}
	ask(t, "POST", url, "data", "X-Request-Id", "lost")
	if l := logged(t, e, "lost"); l.Msg != "POST /v1/topics/orders/events" || l.Status != http.StatusBadGateway || l.Level != "ERROR" {
		t.Errorf("logged %+v", l)
	}
}

// A token is nowhere in what nginx writes, wherever it was sent and whatever
// went wrong.
func TestNoTokenIsWritten(t *testing.T) {
	e, h := behind(t)
	const token = "s3cr3t"
	sent := []string{"Authorization", "Bearer " + token, "Cookie", "sluice_token=" + token, "Referer", "http://a.test/?access_token=" + token}
	all := func() {
		t.Helper()
		for i, c := range []struct{ method, path, body string }{
			{"GET", "/v1/events?topic=&access_token=" + token, ""},
			{"GET", "/v1/events?topic=&access%5Ftoken=" + token, ""},
			{"POST", "/v1/topics/orders/events?access_token=" + token, "data"},
			{"POST", "/v1/topics/orders/events?access_token=" + token, strings.Repeat("x", 10<<20)},
			{"GET", "/nothing?access_token=" + token, ""},
		} {
			id := fmt.Sprintf("%d-%d", i, h.cmd.Process.Pid)
			ask(t, c.method, e.url+c.path, c.body, append([]string{"X-Request-Id", id}, sent...)...)
			logged(t, e, id)
		}
	}
	all()
	h.kill()
	for i, request := range []string{
		"GET /?access_token=" + token + " HTTP/9.9\r\n\r\n",
		"GET /?access_token=" + token + "\x00 HTTP/1.1\r\n\r\n",
		"GET /edge/%00?access_token=" + token + " HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST /?access_token=" + token + " HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
		"GET /?access_token=" + token + " HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 40_000) + "\r\n\r\n",
	} {
		if status := raw(t, e, request); !strings.HasPrefix(status, "HTTP/1.1 4") && !strings.HasPrefix(status, "HTTP/1.1 5") {
			t.Errorf("broken request %d: %q", i, status)
		}
	}
	ask(t, "GET", e.url+"/v1/events?topic=orders&access_token="+token, "", append([]string{"X-Request-Id", "last"}, sent...)...)
	logged(t, e, "last")
	for line := range strings.Lines(e.written(t)) {
		if strings.Contains(line, token) {
			t.Errorf("written: %s", line)
		}
	}
}

// raw sends a request as it is, and returns the first line of the answer.
func raw(t *testing.T, e *door, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", e.url[len("http://"):])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte(request)); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}
