package probe

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
	"github.com/sluice-stream/sluice/observability/catalogue"
)

func noEnv(string) string { return "" }

// prober is one that runs until the test ends.
type prober struct {
	t      *testing.T
	listen string
	out    programtest.Output
}

func startProber(t *testing.T, url string, settings ...string) *prober {
	t.Helper()
	p := &prober{t: t, listen: programtest.FreeAddress(t)}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	args := append([]string{"--url", url, "--listen", p.listen, "--target", "orders=orders.probe", "--target", "chat=chat.probe"}, settings...)
	go func() { done <- Run(ctx, args, noEnv, &p.out) }()
	t.Cleanup(func() {
		stop()
		began := time.Now()
		if err := <-done; err != nil {
			t.Errorf("the probe ended with %v", err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the probe took %v to end", took)
		}
	})
	hubtest.Await(t, "the probe's listener", func() bool {
		c, err := net.Dial("tcp", p.listen)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return p
}

// quickly are settings for tests that wait for failures.
var quickly = []string{"--interval", "250ms", "--timeout", "1s"}

func (p *prober) metric(name string, labels ...string) float64 {
	p.t.Helper()
	return hubtest.Metric(p.t, "http://"+p.listen+"/metrics", name, labels...)
}

func (p *prober) failures(why reason) float64 {
	p.t.Helper()
	return p.metric("sse_probe_failures_total", `target="orders"`, `reason="`+string(why)+`"`)
}

func (p *prober) good() float64 {
	p.t.Helper()
	return p.metric("sse_probe_latency_seconds_count", `target="orders"`)
}

// awaitFailures waits for some more of a kind.
func (p *prober) awaitFailures(why reason) {
	p.t.Helper()
	before := p.failures(why)
	hubtest.Await(p.t, string(why), func() bool { return p.failures(why) >= before+3 })
}

func (p *prober) awaitGood() {
	p.t.Helper()
	before := p.good()
	hubtest.Await(p.t, "rounds that succeed", func() bool { return p.good() >= before+3 })
}

func TestProbeOfAHub(t *testing.T) {
	t.Parallel()
	secrets := hubtest.Secrets(t)
	hub := hubtest.Start(t, "--jwt-secret-file", filepath.Join(secrets, "jwt-secret"))
	p := startProber(t, hub.URL(), "--interval", "250ms", "--timeout", "20s", "--trace-ratio", "1", "--token-file", filepath.Join(secrets, "prober-token"))
	p.awaitGood()
	if n := p.metric("sse_probe_failures_total"); n > 0 {
		t.Errorf("%v rounds failed: %s", n, &p.out)
	}
	if err := Healthcheck(t.Context(), []string{"--listen", p.listen}, noEnv, io.Discard); err != nil {
		t.Error(err)
	}
	if n := hub.Metric("sse_connections"); n != 2 {
		t.Errorf("%v streams of 2 targets", n)
	}

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.listen+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/openmetrics-text")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || !strings.Contains(string(text), `# {trace_id="`) || !strings.Contains(string(text), "# EOF") {
		t.Errorf("no exemplars: %v\n%s", err, text)
	}
}

// A hub that is killed fails rounds; one that is back is found at once.
func TestProbeOutlivesTheHub(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t)
	p := startProber(t, hub.URL(), quickly...)
	p.awaitGood()
	hub.Kill()
	p.awaitFailures(failedPublish)
	hub.Restart()
	p.awaitGood()
	for _, want := range []string{"publishing fails", "publishing goes on", "the stream fails", "the stream goes on"} {
		if n := strings.Count(p.out.String(), want); n == 0 || n > 8 {
			t.Errorf("%d lines say %q:\n%s", n, want, &p.out)
		}
	}
}

// All label sets are there before anything happens, and are those of the
// catalogue.
func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	newMetrics(registry, []string{"orders", "chat"})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, f := range families {
		metric := catalogue.Metrics()[f.GetName()]
		want, ok := metric.Labels[catalogue.Prober]
		if !ok || !strings.EqualFold(f.GetType().String(), metric.Type) {
			t.Errorf("%s is a %s, in the catalogue %+v", f.GetName(), f.GetType(), metric)
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName())
			}
			if slices.Sort(labels); strings.Join(labels, " ") != want {
				t.Errorf("%s has the labels %v, want %s", f.GetName(), labels, want)
			}
		}
		seen[f.GetName()] = len(f.GetMetric())
	}
	for name, m := range catalogue.Metrics() {
		if _, ours := m.Labels[catalogue.Prober]; ours && seen[name] == 0 {
			t.Errorf("%s is missing", name)
		}
	}
	if seen["sse_probe_failures_total"] != 2*len(reasons) || seen["sse_probe_latency_seconds"] != 2 {
		t.Errorf("there are %v series", seen)
	}
	if problems, err := promlint.NewWithMetricFamilies(families).Lint(); err != nil || len(problems) > 0 {
		t.Errorf("%v %v", problems, err)
	}
}

func TestSettings(t *testing.T) {
	env := func(name string) string {
		return map[string]string{"LOADTEST_TARGET": "a=a.probe,b=b.probe", "LOADTEST_INTERVAL": "2s"}[name]
	}
	o, err := parse(nil, env, io.Discard)
	if err != nil || o.interval != 2*time.Second || strings.Join(o.targets.labels(), " ") != "a b" {
		t.Errorf("%+v %v", o, err)
	}
	for text, want := range map[string]string{
		"":                                            "--target is missing",
		"--target orders":                             "write it like orders=orders.probe",
		"--target a=x --target a=y":                   "another target",
		"--target Ä=x":                                "write it like",
		"--target a=x --interval 1ms":                 "100ms is the least",
		"--target a=x --timeout 1s":                   "twice the interval",
		"--target a=x --listen 9102":                  "write it like",
		"--target a=x --url edge:8080":                "is not the address of a hub",
		"--target a=x --trace-ratio 2":                "between 0 and 1",
		"--target a=x --token-file /nowhere/there/is": "hub token",
		"--target a=x --loki-url loki:3100":           "--loki-url: the address of Loki",
		"--target a=x --environment a/b":              "--environment",
		"--target a=x now":                            "is too much",
		"--nonsense":                                  "loadtest probe --help",
	} {
		if err := Run(t.Context(), strings.Fields(text), noEnv, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	var out bytes.Buffer
	if err := Run(t.Context(), []string{"--help"}, noEnv, &out); !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), "--loki-url") || !strings.Contains(out.String(), "LOADTEST_LOKI_URL") {
		t.Errorf("%v %s", err, &out)
	}
	if err := Healthcheck(t.Context(), []string{"--listen", programtest.FreeAddress(t)}, noEnv, io.Discard); err == nil || !strings.Contains(err.Error(), "not at work") {
		t.Errorf("nobody listens: %v", err)
	}
}
