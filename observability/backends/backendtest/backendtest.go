// Package backendtest gives tests a real Prometheus, Loki, Jaeger or
// Alertmanager of their own: on free ports of loopback, with data in the
// test's folder and the configuration of observability/, ready when the call
// returns and ended with the test.
//
// A program on the PATH is used where it is new enough, else the one that
// "go run ./observability/backends build" made. Without either the test is
// skipped; with SLUICE_CI=1 it fails.
package backendtest

import (
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/internal/local"
	"github.com/sluice-stream/sluice/observability/backends/internal/pinned"
	"github.com/sluice-stream/sluice/observability/backends/needs"
)

// Prometheus starts one that scrapes what its options say.
func Prometheus(t testing.TB, options ...Option) *Backend {
	t.Helper()
	return begin(t, "prometheus", options)
}

// Loki starts one. Its port is "http".
func Loki(t testing.TB) *Backend {
	t.Helper()
	return begin(t, "loki", nil)
}

// Jaeger starts one. Its ports are "query", "otlp-http", "otlp-grpc" and
// "thrift".
func Jaeger(t testing.TB) *Backend {
	t.Helper()
	return begin(t, "jaeger", nil)
}

// Alertmanager starts one that sends nothing, but with Receivers.
func Alertmanager(t testing.TB, options ...Option) *Backend {
	t.Helper()
	return begin(t, "alertmanager", options)
}

// Promtool returns the path of Prometheus' checker.
func Promtool(t testing.TB) string {
	t.Helper()
	return Program(t, "promtool")
}

// An Option says more about a backend.
type Option func(*local.Settings)

// Scrape makes Prometheus scrape hubs, by their admin listeners, host:port.
func Scrape(hubs ...string) Option { return Target("hub", hubs...) }

// Target makes Prometheus scrape addresses, host:port, as the job of its
// configuration that has that file of targets. It scrapes itself in any case.
func Target(file string, addresses ...string) Option {
	return func(s *local.Settings) { s.Targets[file] = append(s.Targets[file], addresses...) }
}

// Watch makes Prometheus scrape other backends, each as the job of its name.
func Watch(backends ...*Backend) Option {
	return func(s *local.Settings) {
		for _, b := range backends {
			Target(b.local.Name(), b.local.Metrics())(s)
		}
	}
}

// Rules makes Prometheus load files of rules, *.yml.
func Rules(files ...string) Option {
	return func(s *local.Settings) { s.Rules = append(s.Rules, files...) }
}

// AlertsTo makes Prometheus send its alerts there, and watch it.
func AlertsTo(alertmanager *Backend) Option { return Watch(alertmanager) }

// Receivers is the configuration file of Alertmanager.
func Receivers(file string) Option {
	return func(s *local.Settings) { s.Receivers = file }
}

// Program returns the path of a backend's program, or skips the test.
func Program(t testing.TB, name string) string {
	t.Helper()
	cache, err := pinned.Cache()
	if err != nil {
		t.Fatal(err)
	}
	programs, err := pinned.Named(name)
	if err != nil {
		t.Fatal(err)
	}
	path, err := programs[0].Find(t.Context(), cache)
	if err != nil {
		needs.Missing(t, err.Error())
	}
	return path
}
