package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
	"github.com/sluice-stream/sluice/observability/backends/internal/pinned"
)

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		args         []string
		stdout, fail string
	}{
		{nil, "backends build", ""},
		{[]string{"--help"}, "backends up", ""},
		{[]string{"down"}, "", `no command "down"`},
		{[]string{"build", "grafana"}, "", `no backend is called "grafana"`},
		{[]string{"up", "promtool"}, "", `no backend "promtool" can be run`},
		{[]string{"up", "--port", "loki=1"}, "-port", "want backend.port=number"},
		{[]string{"up", "--port", "loki.http=x"}, "-port", "want backend.port=number"},
		{[]string{"up", "--port", "loki.http=65536"}, "-port", "want backend.port=number"},
		{[]string{"up", "--port", "loki.thrift=1"}, "-port", "no backend has a port loki.thrift"},
		{[]string{"up", "--rules", filepath.Join(t.TempDir(), "*.yml")}, "-rules", "no file"},
	} {
		var stdout bytes.Buffer
		err := run(t.Context(), c.args, &stdout, io.Discard)
		if !strings.Contains(stdout.String(), c.stdout) {
			t.Errorf("%v: prints %q, want %q in it", c.args, stdout.String(), c.stdout)
		}
		if (err != nil) != (c.fail != "") || err != nil && !strings.Contains(err.Error(), c.fail) {
			t.Errorf("%v: %v, want %q", c.args, err, c.fail)
		}
	}
}

func TestParseUp(t *testing.T) {
	rules := filepath.Join(t.TempDir(), "a.yml")
	if err := os.WriteFile(rules, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	o, err := parseUp([]string{"--port", "loki.http=3101", "--port=jaeger.thrift=0", "--rules", rules, "loki", "jaeger"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(o.names, " ") != "loki jaeger" || strings.Join(o.rules, " ") != rules || strings.Join(o.targets["hub"], " ") != "127.0.0.1:8081" {
		t.Errorf("%+v", o)
	}
	for _, c := range []struct {
		backend, port string
		want          int
	}{
		{"loki", "http", 3101}, {"loki", "grpc", 0}, {"jaeger", "thrift", 0}, {"jaeger", "otlp-http", 4318}, {"prometheus", "http", 9090},
	} {
		if got := o.ports[c.backend][c.port]; got != c.want {
			t.Errorf("%s.%s = %d, want %d", c.backend, c.port, got, c.want)
		}
	}
	if got := o.targets["prober"]; !slices.Equal(got, []string{"127.0.0.1:9102"}) {
		t.Errorf("prober %v", got)
	}
	o.fill(t.TempDir())
	if len(o.rules) != 1 || o.receivers != "" {
		t.Errorf("in an empty folder: %+v", o)
	}
	if o, err := parseUp([]string{"--edge", "127.0.0.1:9101"}, io.Discard); err != nil || !slices.Equal(o.targets["edge"], []string{"127.0.0.1:9101"}) {
		t.Errorf("--edge: %+v, %v", o, err)
	}
	o, err = parseUp([]string{"--free-ports"}, io.Discard)
	if err != nil || len(o.names) != 4 || o.ports["loki"]["http"] != 0 {
		t.Errorf("--free-ports: %+v, %v", o, err)
	}
}

// Without flags the checkout's own rules and receivers are used.
func TestFill(t *testing.T) {
	checkout := t.TempDir()
	rules, receivers := filepath.Join(checkout, "alerts", "rules", "a.yml"), filepath.Join(checkout, "alerts", "alertmanager.yml")
	if err := os.MkdirAll(filepath.Dir(rules), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{rules, receivers} {
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var o options
	o.fill(checkout)
	if !slices.Equal(o.rules, []string{rules}) || o.receivers != receivers {
		t.Errorf("%+v", o)
	}
}

// up prints where a backend listens once it does, and ends it in order.
func TestUp(t *testing.T) {
	backendtest.Alertmanager(t) // or skips
	cache, err := pinned.Cache()
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	listening := regexp.MustCompile(`alertmanager +http +(http://127\.0\.0\.1:\d+)`)
	var said, address string
	stdout := writer(func(text string) {
		said += text
		if m := listening.FindStringSubmatch(text); m != nil {
			address = m[1]
			if _, err := http.Get(address + "/-/ready"); err != nil {
				t.Error(err)
			}
		}
		if strings.Contains(text, "Ctrl-C") {
			stop()
		}
	})
	var stderr strings.Builder
	data := filepath.Join(t.TempDir(), "data")
	if err := up(ctx, []string{"--free-ports", "--data", data, "alertmanager"}, cache, stdout, &stderr); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	if address == "" || !strings.Contains(stderr.String(), "ending alertmanager") {
		t.Errorf("it printed %q and %q", said, stderr.String())
	}
	if _, err := http.Get(address + "/-/ready"); err == nil {
		t.Error("it still answers")
	}
	if _, err := os.Stat(filepath.Join(data, "alertmanager", "alertmanager.log")); err != nil {
		t.Errorf("given data are kept: %v", err)
	}
}

// writer is told what is written.
type writer func(string)

func (w writer) Write(p []byte) (int, error) {
	w(string(p))
	return len(p), nil
}
