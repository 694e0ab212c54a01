package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// brokenStore answers every append as it is told to.
type brokenStore struct {
	append func(context.Context) (eventlog.Receipt, error)
}

func (s *brokenStore) Start(eventlog.Sink) (map[string]eventlog.State, error) { return nil, nil }
func (s *brokenStore) Append(ctx context.Context, _ string, _ eventlog.Entry) (eventlog.Receipt, error) {
	return s.append(ctx)
}
func (s *brokenStore) Read(context.Context, string, eventlog.ID, eventlog.ID, func(eventlog.Event) bool) error {
	return eventlog.ErrStoreFailed
}
func (s *brokenStore) Close() error { return nil }

// newTestHub returns a hub over a store, to be reached through its handlers.
func newTestHub(t testing.TB, store eventlog.Store, change func(*hub)) *hub {
	t.Helper()
	h := &hub{settings: Defaults(), times: usualTimes(), registry: prometheus.NewRegistry(), tidier: newTidier()}
	h.settings.AllowedHosts = []string{anyHost}
	h.settings = h.settings.resolved()
	h.measure()
	err := h.openLogs(io.Discard)
	if err == nil {
		err = h.openTracing(io.Discard)
	}
	if err != nil {
		t.Fatal(err)
	}
	if h.events, err = eventlog.Open(store, eventlog.Options{MemoryBudget: 64 << 20}); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(h)
	}
	h.limit()
	h.streams = h.newStreams()
	t.Cleanup(func() {
		h.streams.Shutdown(context.Background())
		h.events.Close()
		h.closeTelemetry()
	})
	return h
}

// What the store answers becomes a status that says whose fault it was and
// when to come back.
func TestStoreErrors(t *testing.T) {
	for _, row := range []struct {
		name    string
		append  func(context.Context) (eventlog.Receipt, error)
		status  int
		problem string
		retry   bool
		outcome string
	}{
		{"failed", answers(fmt.Errorf("%w: no space", eventlog.ErrStoreFailed)), 503, "store-failed", true, "failed"},
		{"closed", answers(eventlog.ErrClosed), 503, "shutting-down", true, "failed"},
		{"full", answers(eventlog.ErrTooManyTopics), 429, "topic-limit", true, "refused"},
		{"unknown", answers(errors.New("a secret path")), 500, "internal", false, "failed"},
		{"hangs", func(ctx context.Context) (eventlog.Receipt, error) {
			<-ctx.Done()
			return eventlog.Receipt{}, context.Cause(ctx)
		}, 504, "store-timeout", false, "failed"},
		{"panics", func(context.Context) (eventlog.Receipt, error) { panic("a secret path") }, 500, "internal", false, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newTestHub(t, &brokenStore{row.append}, func(h *hub) { h.times.append = 10 * time.Millisecond })
			w := httptest.NewRecorder()
			h.publicHandler().ServeHTTP(w, httptest.NewRequest("POST", "/v1/topics/orders/events", strings.NewReader("x")))
			checkProblem(t, w.Result(), row.status, row.problem)
			if (w.Header().Get("Retry-After") != "") != row.retry {
				t.Errorf("Retry-After: %q", w.Header().Get("Retry-After"))
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Error("the answer tells what is the hub's own")
			}
			if row.outcome == "" {
				return
			}
			m := httptest.NewRecorder()
			h.adminHandler().ServeHTTP(m, httptest.NewRequest("GET", "/metrics", nil))
			if !strings.Contains(m.Body.String(), fmt.Sprintf("sse_publishes_total{outcome=%q,topic_class=\"other\"} 1", row.outcome)) {
				t.Errorf("the publish is not counted as %s", row.outcome)
			}
		})
	}
}

func answers(err error) func(context.Context) (eventlog.Receipt, error) {
	return func(context.Context) (eventlog.Receipt, error) { return eventlog.Receipt{}, err }
}

func checkProblem(t *testing.T, answer *http.Response, status int, problem string) {
	t.Helper()
	defer answer.Body.Close()
	var p struct {
		Type    string
		TraceID string `json:"trace_id"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&p); err != nil {
		t.Fatalf("%s without a problem document: %v", answer.Status, err)
	}
	if answer.StatusCode != status || p.Type != sse.ProblemTypePrefix+problem {
		t.Errorf("answered %d %s, want %d %s", answer.StatusCode, p.Type, status, problem)
	}
	if id := answer.Header.Get("X-Trace-Id"); len(id) != 32 || id != p.TraceID {
		t.Errorf("X-Trace-Id %q, trace_id %q", id, p.TraceID)
	}
}

// A client that takes its time with a head or a body is let go, whether or
// not the hub wants the body.
func TestSlowClientsAreLetGo(t *testing.T) {
	h := newTestHub(t, eventlog.Memory(eventlog.MemoryOptions{}), func(h *hub) {
		h.times.header, h.times.body = 50*time.Millisecond, 50*time.Millisecond
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := h.server(h.publicHandler())
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
				checkProblem(t, answer, row.status, row.problem)
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
		slow := newTestHub(t, &brokenStore{func(ctx context.Context) (eventlog.Receipt, error) {
			time.Sleep(100 * time.Millisecond) // longer than a body may take
			return eventlog.Receipt{ID: eventlog.ID{MS: 1}}, ctx.Err()
		}}, func(h *hub) { h.times.body = 50 * time.Millisecond })
		s := httptest.NewServer(slow.publicHandler())
		defer s.Close()
		for range 2 { // on one connection
			answer, err := http.Post(s.URL+"/v1/topics/orders/events", "text/plain", strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(answer.Body)
			answer.Body.Close()
			if answer.StatusCode != 201 || string(text) != `{"topic":"orders","id":"1-0"}`+"\n" {
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

func FuzzPublish(f *testing.F) {
	f.Add("orders", "type=a", "order.created", "data")
	f.Add("a/../b", "type=%zz", "", "\xff")
	f.Add("hub.stats", "", "stream.x", "\r\n\r\n")
	h := newTestHub(f, eventlog.Memory(eventlog.MemoryOptions{MaxTopics: 100}), nil)
	handler := h.publicHandler()
	f.Fuzz(func(t *testing.T, topic, query, typ, data string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(data))
		r.URL.Path, r.URL.RawQuery = "/v1/topics/"+topic+"/events", query
		r.Header.Set("X-Event-Type", typ)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		switch w.Code {
		case 201, 400, 404, 405, 413, 429:
		default:
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("not JSON: %s", w.Body)
		}
	})
}

func newLogger(out io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(out, nil)) }
