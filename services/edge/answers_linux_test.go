package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Whatever is wrong with a request, the answer is a problem document with the
// trace, and nothing of nginx's own pages.
func TestAnswersOfItsOwn(t *testing.T) {
	e := newEdge(t, newNames(t), "1")
	const host = " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
	many := strings.Repeat("X-Some: "+strings.Repeat("x", 20_000)+"\r\n", 12)
	for name, c := range map[string]struct {
		request string
		status  int
		kind    string
	}{
		"a version of HTTP that there is not": {"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505, "bad-request"},
		"HTTP/2 without TLS":                  {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "bad-request"},
		"nonsense":                            {"nonsense\r\n\r\n", 400, "bad-request"},
		"no host":                             {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400, "bad-request"},
		"two hosts":                           {"GET /" + host + "Host: b\r\n\r\n", 400, "bad-request"},
		"a broken header":                     {"GET /" + host + "a\x00b: c\r\n\r\n", 400, "bad-request"},
		"a length that is none":               {"POST /" + host + "Content-Length: x\r\n\r\n", 400, "bad-request"},
		"a length and chunks":                 {"POST /" + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "bad-request"},
		"broken chunks":                       {"POST /v1/topics/orders/events" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400, "bad-request"},
		"another encoding":                    {"POST /" + host + "Transfer-Encoding: gzip\r\n\r\n", 501, "not-implemented"},
		"a path out of the root":              {"GET /../.." + host + "\r\n", 400, "bad-request"},
		"a zero in the path":                  {"GET /a%00b" + host + "\r\n", 400, "bad-request"},
		"a long address":                      {"GET /v1/events?topic=" + strings.Repeat("x", 60_000) + host + "\r\n", 414, "uri-too-long"},
		"a long header":                       {"GET /v1/events?topic=orders" + host + "X-Some: " + strings.Repeat("x", 60_000) + "\r\n\r\n", 431, "head-too-large"},
		"many long headers":                   {"GET /" + host + many + "\r\n", 431, "head-too-large"},
		"TRACE":                               {"TRACE /" + host + "\r\n", 405, "method-not-allowed"},
		"CONNECT":                             {"CONNECT a:1" + host + "\r\n", 400, "bad-request"},
		"a large body":                        {"POST /v1/topics/orders/events" + host + "Content-Length: 99999999\r\n\r\n", 413, "too-large"},
		"a large body of a subscription":      {"GET /v1/events?topic=orders" + host + "Content-Length: 99999999\r\n\r\n", 413, "too-large"},
		"a page of the edge":                  {"GET /edge/rejected" + host + "\r\n", 404, "not-found"},
		"the line of a stream":                {"GET /edge/head" + host + "\r\n", 404, "not-found"},
		"the answer to all else":              {"GET /edge/problem" + host + "\r\n", 404, "not-found"},
		"no hub":                              {"GET /nothing" + host + "\r\n", 502, "hub-unavailable"},
		"no hub for HTTP/1.0":                 {"GET / HTTP/1.0\r\n\r\n", 502, "hub-unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			answer, text := exchange(t, e, c.request)
			wantsProblem(t, answer, text, c.status, c.kind)
			var p struct{ Title, Detail string }
			if err := json.Unmarshal([]byte(text), &p); err != nil || p.Title == "" || p.Detail == "" {
				t.Errorf("%v: %s", err, text)
			}
			if strings.Contains(strings.ToLower(text), "html") || answer.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%v: %s", answer.Header, text)
			}
		})
	}
}

// exchange sends what may not be a request at all, and reads the answer.
func exchange(t *testing.T, e *door, request string) (*http.Response, string) {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	go io.WriteString(c, request) // which the answer may come before the end of
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(text)
}

// Who speaks TLS where there is none gets an answer, which is no page of
// nginx's either; a head or a body that never comes has its connection closed.
func TestOtherTongues(t *testing.T) {
	t.Parallel()
	e := newEdge(t, newNames(t), "1")
	_, err := tls.Dial("tcp", strings.TrimPrefix(e.url, "http://"), &tls.Config{InsecureSkipVerify: true})
	var notTLS tls.RecordHeaderError
	if !errors.As(err, &notTLS) || !bytes.HasPrefix(notTLS.RecordHeader[:], []byte("HTTP/")) {
		t.Errorf("TLS: %v", err)
	}
	for name, begun := range map[string]string{
		"a head that stops": "GET / HTTP/1.1\r\nHost: a\r\n",
		"a body that stops": "POST /v1/topics/orders/events HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := net.Dial("tcp", strings.TrimPrefix(e.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, begun); err != nil {
				t.Fatal(err)
			}
			c.SetDeadline(time.Now().Add(30 * time.Second))
			if text, err := io.ReadAll(c); len(text) > 0 || err != nil && strings.Contains(err.Error(), "timeout") {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
}
