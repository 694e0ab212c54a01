package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
)

// stack is a small one of real programs: a hub with its demo and its prober,
// and all that watches them but Grafana.
type stack struct {
	prometheus, loki *backendtest.Backend
	admin            string // address of the hub's admin listener
	began            time.Time
}

// startStack starts one with traffic and a few faults.
func startStack(t *testing.T) *stack {
	t.Helper()
	s := &stack{began: time.Now()}
	s.loki = backendtest.Loki(t)
	jaeger, alertmanager := backendtest.Jaeger(t), backendtest.Alertmanager(t)
	public := s.startHub(t, jaeger)
	loadtest := build(t, "loadtest")
	prober := freeAddress(t)
	begin(t, nil, loadtest, "probe", "--url", public, "--listen", prober, "--target", "orders=orders.probe,payments=payments.probe,chat=chat.probe")
	begin(t, nil, loadtest, "demo", "--url", public, "--trace-ratio", "1")
	s.prometheus = backendtest.Prometheus(t, backendtest.Scrape(s.admin), backendtest.Target("prober", prober),
		backendtest.Watch(s.loki, jaeger), backendtest.AlertsTo(alertmanager), backendtest.Rules(ruleFiles(t)...))
	return s
}

// startHub starts the hub of the stack and returns the URL for clients.
// Heartbeats are faster than usual, so that nobody waits for them.
func (s *stack) startHub(t *testing.T, jaeger *backendtest.Backend) string {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", jaeger.URL("otlp-http"))
	var out output
	begin(t, &out, build(t, "services/hub"), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", t.TempDir(),
		"--topic-class", "orders=orders.*,payments=payments.*,chat=chat.*,stress=stress.*", "--releases", "stable,canary",
		"--ping-interval", "2s", "--pong-timeout", "1s", "--write-timeout", "5s",
		"--trace-exporter", "otlp", "--trace-ratio", "1", "--loki-url", s.loki.URL("http"))
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

// build builds one of the programs of the checkout.
func build(t *testing.T, program string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(program))
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	out, err := exec.Command("go", "build", "-o", path, "github.com/sluice-stream/sluice/"+program).CombinedOutput()
	if err != nil {
		t.Fatalf("building %s: %v\n%s", program, err, out)
	}
	return path
}

// begin starts a program that ends with the test.
func begin(t *testing.T, out *output, path string, args ...string) {
	t.Helper()
	if out == nil {
		out = &output{}
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
			t.Logf("the end of what %s wrote:\n%s", filepath.Base(path), out.end(2000))
		}
	})
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// output keeps what a program writes.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func (o *output) end(most int) string {
	text := o.String()
	return text[max(0, len(text)-most):]
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
