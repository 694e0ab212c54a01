package client_test

import (
	"context"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// sockets counts a server's connections.
type sockets struct {
	mu   sync.Mutex
	open map[net.Conn]bool
}

func (s *sockets) note(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch state {
	case http.StateNew:
		s.open[c] = true
	case http.StateClosed, http.StateHijacked:
		delete(s.open, c)
	}
}

func (s *sockets) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// Beside a hub's stream two connections wait to be used, each with a request
// behind it so that the server's time-out for the first one does not end them.
// A reconnect takes one. After a break there is one more, for half a minute.
func TestConnectionsAheadOfNeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		var probes atomic.Int64
		cut := make(chan struct{})
		var hub *piped
		var dialsAt []int // how many there had been when a stream began
		hub = newPiped(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				if probes.Add(1); r.Header.Get("X-Heartbeat") != "true" || r.URL.Path != "/" || r.Header.Get("Authorization") != "" {
					t.Errorf("probed with %v %v", r.URL, r.Header)
				}
				return
			}
			hub.mu.Lock()
			dialsAt = append(dialsAt, hub.dials)
			hub.mu.Unlock()
			streaming(w, opening("1-0", "1-0"))
			for {
				select {
				case <-cut:
					panic(http.ErrAbortHandler)
				case <-r.Context().Done():
					return
				case <-time.After(15 * time.Second):
					streaming(w, ": ping\n\n")
				}
			}
		})
		seen := &sockets{open: map[net.Conn]bool{}}
		hub.server.ConnState, hub.server.ReadHeaderTimeout = seen.note, 5*time.Second
		defer hub.stop()
		o := hub.options(d)
		o.Spare = 0 // as it comes
		expect := func(after time.Duration, want int) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if got := seen.count(); got != want {
				t.Errorf("%d connections, want %d", got, want)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			collect(ctx, o, 1)
		}()
		expect(time.Second, 3)
		expect(10*time.Minute, 3)
		if n := probes.Load(); n < 40 || len(dialsAt) != 1 {
			t.Errorf("%d probes and %d streams in ten minutes", n, len(dialsAt))
		}
		cut <- struct{}{}
		expect(5*time.Second, 4)
		if !slices.Equal(dialsAt, []int{1, 3}) {
			t.Errorf("streams began after %v dials: the second waited for one of its own", dialsAt)
		}
		expect(time.Minute, 3)
		cancel()
		<-done
	})
}

// Other servers are not probed: who knows what they make of a HEAD.
func TestOthersAreNotProbed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDiary(t)
		hub := newPiped(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet {
				t.Errorf("got a %s", r.Method)
			}
			streaming(w, "data: x\n\n")
			time.Sleep(time.Hour)
			streaming(w, "data: y\n\n")
		})
		defer hub.stop()
		o := hub.options(d)
		o.Spare = 0
		if got, err := collect(t.Context(), o, 2); len(got) != 2 || err != nil {
			t.Error(got, err)
		}
	})
}

// Over HTTP/2 a stream and the probes share one connection, and nothing is
// probed for long. The client of its own leaves nothing behind.
func TestHTTP2(t *testing.T) {
	var mu sync.Mutex
	probes, conns := 0, map[string]bool{}
	server := newTLSServer(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		conns[r.RemoteAddr] = true
		if r.Method == http.MethodHead {
			probes++
		}
		mu.Unlock()
		if r.ProtoMajor != 2 {
			t.Errorf("spoke %s", r.Proto)
		}
		if r.Method == http.MethodGet {
			streaming(w, opening("1-0", "1-0"), event("2-0", "x"))
			time.Sleep(300 * time.Millisecond)
			streaming(w, event("3-0", "y"))
			<-r.Context().Done()
		}
	})
	d := newDiary(t)
	o := client.Options{URL: server.URL, Topics: []string{"a"}, HTTP: server.Client(), OnState: d.note}
	if got, err := collect(t.Context(), o, 2); len(got) != 2 || err != nil {
		t.Fatal(got, err)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(conns) != 1 || probes > 2 {
		t.Errorf("%d probes over %v", probes, conns)
	}
}
