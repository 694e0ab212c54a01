package logs

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/golang/snappy"
	"github.com/grafana/loki/pkg/push"

	"github.com/sluice-stream/sluice/observability/backends/leaks"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

func TestMain(m *testing.M) {
	programtest.BesideEachOther(6)
	leaks.Main(m)
}

// An answerer is a server that answers pushes as it is told, and keeps the
// lines that it said to have taken.
type answerer struct {
	*httptest.Server

	mu       sync.Mutex
	status   int
	wait     time.Duration // before an answer
	requests int
	users    []string // with their passwords
	lines    []string
	streams  map[string]int // lines, by labels
	open     map[net.Conn]bool
}

func answers(t *testing.T, status int) *answerer {
	t.Helper()
	a := &answerer{status: status, streams: map[string]int{}, open: map[net.Conn]bool{}}
	a.Server = httptest.NewUnstartedServer(a)
	a.Config.ConnState = a.connState
	a.Start()
	t.Cleanup(a.Close)
	return a
}

func (a *answerer) connState(c net.Conn, s http.ConnState) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s == http.StateClosed {
		delete(a.open, c)
	} else {
		a.open[c] = true
	}
}

func (a *answerer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	a.mu.Lock()
	status, wait := a.status, a.wait
	a.requests++
	user, password, _ := r.BasicAuth()
	a.users = append(a.users, user+":"+password)
	a.mu.Unlock()
	time.Sleep(wait)
	if status/100 == 2 {
		a.take(body)
	}
	w.WriteHeader(status)
}

func (a *answerer) take(body []byte) {
	raw, err := snappy.Decode(nil, body)
	var request push.PushRequest
	if err == nil {
		err = request.Unmarshal(raw)
	}
	if err != nil {
		panic(err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, s := range request.Streams {
		a.streams[s.Labels] += len(s.Entries)
		for _, e := range s.Entries {
			a.lines = append(a.lines, e.Line)
		}
	}
}

func (a *answerer) now(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status = status
}

func (a *answerer) counts() (requests, lines, open int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.requests, len(a.lines), len(a.open)
}
