package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/leaks"
	"github.com/sluice-stream/sluice/services/wire"
)

// runningHub is a hub that run serves on free ports.
type runningHub struct {
	t      *testing.T
	public string // base URLs
	admin  string

	cancel context.CancelFunc
	done   chan struct{} // closed when run has returned
	err    error         // of run; readable after done

	mu   sync.Mutex
	logs []map[string]any
	more chan struct{} // closed and replaced with each line
}

// startHub runs a hub with the given settings, else on free ports and with
// the memory store, and stops it at the end of the test.
func startHub(t *testing.T, settings ...string) *runningHub {
	t.Helper()
	h := newRunningHub(t, settings...)
	line, ok := h.awaitLog("start", "look")
	if !ok {
		t.Fatalf("the hub did not start: %v", h.err)
	}
	h.public = strings.TrimSuffix(line["look"].(string), "/")
	h.admin = strings.TrimSuffix(line["admin"].(string), "/")
	return h
}

// newRunningHub runs a hub without waiting for its start.
func newRunningHub(t *testing.T, settings ...string) *runningHub {
	t.Helper()
	leaks.Of(t)
	ctx, cancel := context.WithCancel(context.Background())
	h := &runningHub{t: t, cancel: cancel, done: make(chan struct{}), more: make(chan struct{})}
	args := append([]string{"--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store", "memory"}, settings...)
	out, in := io.Pipe()
	var reading sync.WaitGroup
	reading.Go(func() { h.readLogs(out) })
	go func() {
		h.err = run(ctx, args, func(string) string { return "" }, strings.NewReader(""), in, io.Discard)
		in.Close()
		reading.Wait()
		close(h.done)
	}()
	t.Cleanup(func() { h.stop() })
	return h
}

func (h *runningHub) readLogs(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		fields := map[string]any{}
		if err := json.Unmarshal(lines.Bytes(), &fields); err != nil {
			fields["msg"] = lines.Text()
		}
		h.mu.Lock()
		h.logs = append(h.logs, fields)
		close(h.more)
		h.more = make(chan struct{})
		h.mu.Unlock()
	}
}

// awaitLog returns the first log line of an event type that has a field.
func (h *runningHub) awaitLog(eventType, field string) (map[string]any, bool) {
	h.t.Helper()
	late := time.After(time.Minute)
	for {
		ended := false
		select {
		case <-h.done:
			ended = true
		default:
		}
		h.mu.Lock()
		more := h.more
		for _, l := range h.logs {
			if _, ok := l[field]; ok && l["event_type"] == eventType {
				h.mu.Unlock()
				return l, true
			}
		}
		h.mu.Unlock()
		if ended {
			return nil, false
		}
		select {
		case <-more:
		case <-h.done:
		case <-late:
			h.t.Fatalf("no log line %s with %s came", eventType, field)
		}
	}
}

// stop ends the hub in order and returns what run did.
func (h *runningHub) stop() error {
	h.t.Helper()
	// For a connection without a request, such as a client makes while it waits for
	// another to be free, a server waits 5 s at its end.
	http.DefaultClient.CloseIdleConnections()
	h.cancel()
	select {
	case <-h.done:
	case <-time.After(40 * time.Second):
		h.t.Fatal("the hub did not stop")
	}
	return h.err
}

// get returns status and body of a GET.
func get(t *testing.T, url string) (int, string) {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// stream is an open subscription.
type stream struct {
	*wire.Decoder
	t     *testing.T
	close func()
}

// subscribe opens a stream and consumes stream.open.
func (h *runningHub) subscribe(query, lastEventID string) *stream {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	h.t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, h.public+"/v1/events?"+query, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { answer.Body.Close() })
	if answer.StatusCode != http.StatusOK {
		h.t.Fatalf("subscribe answered %s", answer.Status)
	}
	s := &stream{wire.NewDecoder(answer.Body), h.t, cancel}
	if m, err := s.Next(); err != nil || m.Type != "stream.open" {
		h.t.Fatalf("the stream began with %+v, %v", m, err)
	}
	return s
}

// expect reads one event and checks it.
func (s *stream) expect(want wire.Message) {
	s.t.Helper()
	if got, err := s.Next(); err != nil || got != want {
		s.t.Fatalf("read %+v, %v; want %+v", got, err, want)
	}
}
