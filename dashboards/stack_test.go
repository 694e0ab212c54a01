package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// stack is a hub with its demo and its prober, what stands in for an edge, and
// all that watches them but Grafana.
type stack struct {
	prometheus, loki string // their URLs
	runbooks         string // URL that links begin with
	public           string // the hub's URL for clients; empty where nobody may load it
	admin            string // address of the hub's admin listener; empty where it has drained once
	began            time.Time
}

// aStack returns the one that runs, by SLUICE_TEST_PROMETHEUS and
// SLUICE_TEST_LOKI, and has lasted for some minutes; else it starts one.
func aStack(t *testing.T) *stack {
	if p := os.Getenv("SLUICE_TEST_PROMETHEUS"); p != "" {
		return &stack{prometheus: p, loki: os.Getenv("SLUICE_TEST_LOKI"), runbooks: p + "/user", began: time.Now().Add(-15 * time.Minute)}
	}
	return startStack(t)
}

// startStack starts a small one of real programs, with traffic and a few
// faults.
func startStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{began: time.Now(), runbooks: "http://sluice.test/runbooks"}
	t.Setenv("SLUICE_RUNBOOKS_URL", s.runbooks)
	loki := backendtest.Loki(t)
	s.loki = loki.URL("http")
	jaeger, alertmanager := backendtest.Jaeger(t), backendtest.Alertmanager(t)
	s.public = s.startHub(t, jaeger)
	loadtest := programtest.Built(t, "loadtest")
	prober := programtest.FreeAddress(t)
	begin(t, nil, loadtest, "probe", "--url", s.public, "--listen", prober, "--target", "orders=orders.probe,payments=payments.probe,chat=chat.probe")
	begin(t, nil, loadtest, "demo", "--url", s.public, "--trace-ratio", "1")
	prometheus := backendtest.Prometheus(t, backendtest.Scrape(s.admin), backendtest.Target("prober", prober), backendtest.Target("edge", startEdge(t, s.loki)),
		backendtest.Watch(loki, jaeger), backendtest.AlertsTo(alertmanager), backendtest.Rules(hurried(t)...))
	s.prometheus = prometheus.URL("http")
	return s
}

var interval = regexp.MustCompile(`(?m)^( +interval:) .+$`)

// hurried returns copies of the rules' files whose groups are evaluated every
// 5 s, so that nobody waits for them.
func hurried(t *testing.T) []string {
	t.Helper()
	folder := t.TempDir()
	var copies []string
	for _, name := range ruleFiles(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(folder, filepath.Base(name))
		if err := os.WriteFile(at, interval.ReplaceAll(text, []byte("$1 5s")), 0o600); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, at)
	}
	return copies
}

// startHub starts the hub of the stack and returns the URL for clients.
// Heartbeats are faster than usual, so that nobody waits for them.
func (s *stack) startHub(t *testing.T, jaeger *backendtest.Backend) string {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", jaeger.URL("otlp-http"))
	var out programtest.Output
	begin(t, &out, programtest.Built(t, "services/hub"), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", t.TempDir(),
		"--topic-class", "orders=orders.*,payments=payments.*,chat=chat.*,stress=stress.*", "--releases", "stable,canary",
		"--ping-interval", "2s", "--pong-timeout", "1s", "--write-timeout", "5s",
		"--trace-exporter", "otlp", "--trace-ratio", "1", "--loki-url", s.loki)
	looks := regexp.MustCompile(`"look":"(http://[0-9.:]+)/?".*"admin":"http://([0-9.:]+)/"`)
	public := ""
	eventually(t, "the hub", 2*time.Minute, func() error {
		m := looks.FindStringSubmatch(out.String())
		if m == nil {
			return fmt.Errorf("it says %s", out.String())
		}
		public, s.admin = m[1], m[2]
		return nil
	})
	return public
}

// begin starts a program that ends with the test.
func begin(t *testing.T, out *programtest.Output, path string, args ...string) {
	t.Helper()
	if out == nil {
		out = &programtest.Output{}
	}
	ctx, stop := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, path, args...)
	command.Stdout, command.Stderr = out, out
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		command.Wait() // it was killed, or has ended by itself
		if t.Failed() {
			text := out.String()
			t.Logf("the end of what %s wrote:\n%s", filepath.Base(path), text[max(0, len(text)-2000):])
		}
	})
}

// eventually tries until it works.
func eventually(t *testing.T, what string, most time.Duration, try func() error) {
	t.Helper()
	var err error
	for late := time.Now().Add(most); time.Now().Before(late); time.Sleep(200 * time.Millisecond) {
		if err = try(); err == nil {
			return
		}
	}
	t.Fatalf("%s: not after %v: %v", what, most, err)
}
