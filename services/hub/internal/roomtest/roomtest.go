// Package roomtest gives rooms under test what a hub gives them: all of it
// real, but for a store of the test's own and figures of streams that are not
// there.
package roomtest

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/figures"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/hub/internal/health"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
	"github.com/sluice-stream/sluice/services/sse"
)

// Given is what a room is given. Settings, Times and Logger may be changed
// before anything is made of them.
type Given struct {
	Settings settings.Settings
	Times    settings.Times
	Logger   *slog.Logger

	Registry *prometheus.Registry
	Metrics  *observability.Metrics
	Tracing  *traces.Tracing
	Classes  *figures.Classes
	Front    *front.Front
	Log      *eventlog.Log
	Breaker  func() int // state of the breaker, for its metric
}

// New returns what rooms over a store are given, with the defaults but for
// what change changes; nil: nothing.
func New(t testing.TB, store eventlog.Store, change func(*Given)) *Given {
	t.Helper()
	g := &Given{Settings: settings.Defaults(), Times: settings.UsualTimes(), Logger: slog.New(slog.DiscardHandler),
		Registry: prometheus.NewRegistry(), Breaker: func() int { return 0 }}
	g.Settings.AllowedHosts = []string{settings.AnyHost}
	if change != nil {
		change(g)
	}
	g.Settings = g.Settings.Resolved()
	g.measure()
	var err error
	if g.Tracing, err = traces.Start(t.Context(), traces.Options{Stdout: io.Discard}); err != nil {
		t.Fatal(err)
	}
	g.Front, err = front.New(front.Options{Settings: &g.Settings, Times: g.Times, Logger: g.Logger, Tracing: g.Tracing,
		Metrics: g.Metrics, Health: new(health.Monitor)})
	if err == nil {
		g.Log, err = eventlog.Open(store, eventlog.Options{MemoryBudget: 64 << 20})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		g.Log.Close()
		g.Front.Close()
	})
	return g
}

func (g *Given) measure() {
	g.Classes = figures.NewClasses(g.Settings.TopicClasses)
	g.Metrics = observability.New(g.Registry, observability.Options{
		Classes: g.Classes.Names(), Class: func(topic string) string { return g.Classes.Of(topic).Name },
		Backend: g.Settings.Store, Routes: front.Routes(), Releases: g.Settings.Releases, Release: g.Settings.Release,
		From: observability.Sources{
			Streams:  func() (s sse.Stats) { return s },
			Groups:   func() map[sse.Group]int { return nil },
			Behind:   func() map[string]sse.Behind { return nil },
			Stress:   func() int { return 0 },
			Log:      func() (f observability.LogFigures) { return f },
			Disk:     func() (f observability.DiskFigures) { return f },
			Account:  func() map[string]eventlog.Account { return nil },
			Draining: func() bool { return false },
			Breakers: map[string]func() int{"publish": func() int { return g.Breaker() }},
		},
	})
}

// CheckProblem wants an answer to be a problem document of a status and a
// type, with the trace id of its header.
func CheckProblem(t testing.TB, answer *http.Response, status int, problem string) {
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
