package publish

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/hub/internal/roomtest"
)

// room is a publisher over a store of the test's, and what is in front of it.
type room struct {
	*Publisher
	http  http.Handler
	given *roomtest.Given
}

func newRoom(t testing.TB, store eventlog.Store, change func(*roomtest.Given)) *room {
	t.Helper()
	g := roomtest.New(t, store, change)
	p := New(Options{Settings: &g.Settings, Times: g.Times, Log: g.Log, Front: g.Front, Classes: g.Classes,
		Metrics: g.Metrics, Tracing: g.Tracing, Logger: g.Logger})
	g.Breaker = p.BreakerState
	e := g.Front.Router("nothing")
	e.POST(front.PublishPath, p.Serve)
	return &room{Publisher: p, http: g.Front.Public(e), given: g}
}

// metrics returns the metrics as Prometheus gets them.
func (r *room) metrics() string {
	w := httptest.NewRecorder()
	promhttp.HandlerFor(r.given.Registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

// counts reports whether the metrics have a line.
func (r *room) counts(line string) bool { return strings.Contains(r.metrics(), line+"\n") }

// brokenStore answers every append as it is told to.
type brokenStore struct {
	append func(context.Context) (eventlog.Receipt, error)
}

func (s *brokenStore) Start(eventlog.Sink) (map[string]eventlog.State, error) { return nil, nil }
func (s *brokenStore) Append(ctx context.Context, _ string, entries []eventlog.Entry) []eventlog.Result {
	results := make([]eventlog.Result, len(entries))
	for i := range results {
		results[i].Receipt, results[i].Err = s.append(ctx)
	}
	return results
}
func (s *brokenStore) Read(context.Context, string, eventlog.ID, eventlog.ID, func(eventlog.Event) bool) error {
	return eventlog.ErrStoreFailed
}
func (s *brokenStore) Close() error { return nil }
