package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/leaks"
	"github.com/sluice-stream/sluice/services/client"
)

func TestMain(m *testing.M) { leaks.Main(m) }

// piped is a server in memory: all of net/http, with pipes for sockets, so that
// it runs in virtual time.
type piped struct {
	conns  chan net.Conn
	closed chan struct{}
	server *http.Server
	http   *http.Client
	done   sync.WaitGroup

	mu    sync.Mutex
	away  bool // connections are refused
	dials int
}

// newPiped serves a handler. It must be closed before the bubble ends.
func newPiped(h http.HandlerFunc) *piped {
	w := &piped{conns: make(chan net.Conn), closed: make(chan struct{})}
	w.server = &http.Server{Handler: http.HandlerFunc(func(a http.ResponseWriter, r *http.Request) {
		w.done.Add(1)
		defer w.done.Done()
		h(a, r)
	})}
	w.http = &http.Client{Transport: &http.Transport{DialContext: w.dial, MaxIdleConnsPerHost: 3, IdleConnTimeout: 30 * time.Second}}
	w.done.Go(func() { w.server.Serve(w) })
	return w
}

func (w *piped) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	w.mu.Lock()
	away := w.away
	w.dials++
	w.mu.Unlock()
	if away {
		return nil, errors.New("connection refused")
	}
	near, far := net.Pipe()
	select {
	case w.conns <- far:
		return near, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (w *piped) setAway(away bool) {
	w.mu.Lock()
	w.away = away
	w.mu.Unlock()
}

func (w *piped) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.closed:
		return nil, net.ErrClosed
	}
}

func (w *piped) Close() error {
	select {
	case <-w.closed:
	default:
		close(w.closed)
	}
	return nil
}

func (w *piped) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (w *piped) stop() {
	w.http.CloseIdleConnections()
	w.server.Close()
	w.done.Wait()
}

// streaming answers as an event stream does.
func streaming(w http.ResponseWriter, parts ...string) {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	for _, p := range parts {
		fmt.Fprint(w, p)
	}
	w.(http.Flusher).Flush()
}

const heartbeatMS = 15000

// opening is a hub's beginning of a stream on one topic.
func opening(after, head string) string {
	outcome := "live"
	if after != head {
		outcome = "replay"
	}
	return fmt.Sprintf("retry: 2000\nevent: stream.open\ndata: {\"connection\":\"n1-1\",\"heartbeat\":{\"mode\":\"comment\",\"interval_ms\":%d},"+
		"\"topics\":[{\"topic\":\"a\",\"outcome\":%q,\"after\":%q,\"head\":%q}]}\nid: %s\n\n", heartbeatMS, outcome, after, head, after)
}

func event(id, data string) string { return "data: " + data + "\nid: " + id + "\n\n" }

// diary records what a subscription goes through.
type diary struct {
	t      *testing.T
	start  time.Time
	mu     sync.Mutex
	states []client.State
	at     []time.Duration
}

func newDiary(t *testing.T) *diary { return &diary{t: t, start: time.Now()} }

func (d *diary) note(s client.State) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.states = append(d.states, s)
	d.at = append(d.at, time.Since(d.start))
}

// phases returns the phases gone through, but for those of every attempt.
func (d *diary) phases(without ...client.Phase) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var names []string
	for _, s := range d.states {
		if !slices.Contains(without, s.Phase) {
			names = append(names, string(s.Phase))
		}
	}
	return strings.Join(names, " ")
}

// all returns the states of one phase.
func (d *diary) all(p client.Phase) (found []client.State) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.states {
		if s.Phase == p {
			found = append(found, s)
		}
	}
	return found
}

// asked checks that a duration is what the back-off makes of what the server
// asked for.
func asked(t *testing.T, what string, got, base time.Duration) {
	t.Helper()
	if got < base || got > base*3/2 {
		t.Errorf("%s: %v is not %v times 1 to 1.5", what, got, base)
	}
}

// between checks that a duration is what the back-off makes of a base.
func between(t *testing.T, what string, got, base time.Duration) {
	t.Helper()
	if got < base/2 || got > base*3/2 {
		t.Errorf("%s: %v is not %v times 0.5 to 1.5", what, got, base)
	}
}

// options subscribes to topic a of a piped server.
func (w *piped) options(d *diary) client.Options {
	return client.Options{URL: "http://hub", Topics: []string{"a"}, HTTP: w.http, OnState: d.note, Spare: -1}
}

// collect takes n events, and returns their data or the error that came.
func collect(ctx context.Context, o client.Options, n int) (data []string, err error) {
	for e, err := range client.Subscribe(ctx, o) {
		if err != nil {
			return data, err
		}
		if data = append(data, e.Data); len(data) == n {
			break
		}
	}
	return data, nil
}

func newTLSServer(t *testing.T, h http.HandlerFunc) *httptest.Server {
	s := httptest.NewUnstartedServer(h)
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func token(text string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return text, nil }
}
