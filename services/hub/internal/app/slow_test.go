package app

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/logtest"
	"github.com/sluice-stream/sluice/services/hub/internal/roomtest"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
)

// A client that takes its time with a head or a body is let go, whether or
// not the hub wants the body.
func TestSlowClientsAreLetGo(t *testing.T) {
	h := newTestHub(t, eventlog.Memory(eventlog.MemoryOptions{}), func(_ *settings.Settings, t *settings.Times) {
		t.Header, t.Body = 50*time.Millisecond, 50*time.Millisecond
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := h.front.Server(h.publicHandler(""))
	go server.Serve(l)
	defer server.Close()
	const post = "POST /v1/topics/orders/events HTTP/1.1\r\nHost: hub\r\n"
	for _, row := range []struct {
		name, request string
		status        int // 0: the connection just ends
		problem       string
	}{
		{"head", "GET / HTTP/1.1\r\nHost: hub\r\nX-Slow: ", 0, ""},
		{"body", post + "Content-Length: 10\r\n\r\nhel", 408, "body-timeout"},
		{"chunked body", post + "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", 408, "body-timeout"},
		{"refused body", post + "Content-Encoding: gzip\r\nContent-Length: 10\r\n\r\nhel", 415, "unsupported-content-encoding"},
		{"body of nothing", "POST /nothing HTTP/1.1\r\nHost: hub\r\nContent-Length: 10\r\n\r\nhel", 404, "not-found"},
		{"stream with a body", "GET /v1/events?topic=a HTTP/1.1\r\nHost: hub\r\nContent-Length: 10\r\n\r\nhel", 400, "unexpected-body"},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := dial(t, l)
			io.WriteString(c, row.request)
			in := bufio.NewReader(c)
			if row.status != 0 {
				answer, err := http.ReadResponse(in, nil)
				if err != nil {
					t.Fatal(err)
				}
				roomtest.CheckProblem(t, answer, row.status, row.problem)
			}
			if rest, err := io.ReadAll(in); err != nil {
				t.Errorf("the connection did not end: %v (%q)", err, rest)
			}
		})
	}
	t.Run("headers too large", func(t *testing.T) {
		c := dial(t, l)
		go io.WriteString(c, "GET / HTTP/1.1\r\nHost: hub\r\nX-Large: "+strings.Repeat("x", 64<<10)+"\r\n\r\n")
		answer, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%v, %v", answer, err)
		}
	})
	t.Run("a body in time leaves no deadline behind", func(t *testing.T) {
		store := logtest.NewFaulty(eventlog.Memory(eventlog.MemoryOptions{}))
		store.Set(func(context.Context, *logtest.Call) error {
			time.Sleep(100 * time.Millisecond) // longer than a body may take
			return nil
		})
		slow := newTestHub(t, store, func(_ *settings.Settings, t *settings.Times) { t.Body = 50 * time.Millisecond })
		s := httptest.NewServer(slow.publicHandler(""))
		defer s.Close()
		for range 2 { // on one connection
			answer, err := http.Post(s.URL+"/v1/topics/orders/events", "text/plain", strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if answer.StatusCode != 201 || !strings.HasPrefix(string(text), `{"topic":"orders","id":"`) {
				t.Errorf("%s %s", answer.Status, text)
			}
		}
	})
}

func dial(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	return c
}
