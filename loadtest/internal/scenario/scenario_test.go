package scenario

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
	"github.com/sluice-stream/sluice/loadtest/internal/report"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

func budgetFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "budget.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every scenario against a real hub, on the disk and in small: nothing is lost,
// and it has the figures that it is for.
func TestScenarios(t *testing.T) {
	hub := hubtest.Start(t, "--max-connections-per-address", "0", "--write-timeout", "1s")
	for name, c := range map[string]struct {
		settings string
		figures  string // that must be above zero
		same     string // figures and what they must be
	}{
		"connect": {"--streams 200 --connect-rate 0", "connect_p99_ms connect_rate_per_s to_all_ms", "streams=200 delivered=200"},
		"fanout":  {"--streams 50 --rate 200 --duration 1s --processes 2", "delivery_p99_ms target_us_per_delivery target_cores load_cores", "streams=50 published=200 delivered=10000"},
		"publish": {"--topics 50 --connections 8 --duration 1s --events 2000", "publish_p99_ms publish_rate_per_s target_us_per_publish", "published=2000 delivered=0"},
		"mixed": {"--streams 30 --topics 60 --topics-each 2 --rate 500 --events 1000 --connections 8 --arrivals poisson --trace-ratio 0.2 --type order --size 128:3,1000:1",
			"publish_p50_ms delivery_p50_ms", "published=1000 delivered=1000"},
		"storm":  {"--streams 100 --rate 100 --duration 5s --every 1s --back-off 200ms", "return_p99_ms storms", "published=500 delivered=50000"},
		"resume": {"--streams 50 --missed 2000 --batch 100 --connections 2", "resume_s return_p50_ms", "published=2000 delivered=100000"},
		"slow": {"--streams 40 --never 5 --slow 2 --slow-bytes 2000 --rate 200 --duration 3s --size 2000",
			"delivery_p99_ms", "published=600"},
		"soak":   {"--streams 40 --topics 20 --rate 200 --duration 3s --warm-up 1s --churn 5 --connections 4", "disconnects_none returns delivery_p99_ms", "published=800 delivered=3200"},
		"tokens": {"--answers 10 --rate 20 --duration 3s", "first_token_p50_ms delivery_p50_ms", "published=600 delivered=1800"},
	} {
		t.Run(name, func(t *testing.T) {
			r, said, failed := load(t, name, hub.URL(), append([]string{"--admin-url", "http://" + hub.Admin, "--topic-prefix", "test." + name + "."}, strings.Fields(c.settings)...)...)
			if failed != nil {
				t.Fatalf("%v\n%s", failed, said)
			}
			for _, figure := range strings.Fields(c.figures) {
				if figure, none := strings.CutSuffix(figure, "_none"); (r.Figures[figure] > 0) == none {
					t.Errorf("%s is %v\n%s", figure, r.Figures[figure], said)
				}
			}
			for _, same := range strings.Fields(c.same) {
				figure, want, _ := strings.Cut(same, "=")
				if got := fmt.Sprint(r.Figures[figure]); got != want {
					t.Errorf("%s is %s, want %s\n%s", figure, got, want, said)
				}
			}
			if r.Scenario != name || r.Began.IsZero() || len(r.Settings) == 0 || len(r.Machine) == 0 || len(r.Target) < 2 {
				t.Errorf("the report lacks what it is of: %+v", r)
			}
			if name == "mixed" && (len(r.Slowest) == 0 || !strings.HasPrefix(r.Slowest[0].Trace, r.Run)) {
				t.Errorf("slowest traces of run %s: %+v", r.Run, r.Slowest)
			}
		})
	}
}

// What the ceiling is, each report says.
func TestCeiling(t *testing.T) {
	hub := hubtest.Start(t, "--store", "memory")
	r, said, _ := load(t, "fanout", hub.URL(), "--streams", "20", "--rate", "100", "--duration", "1s", "--ceiling", "1s")
	if r.Figures["ceiling_deliveries_per_s"] < 1000 || r.Figures["ceiling_publishes_per_s"] < 100 {
		t.Errorf("%v\n%s", r.Figures, said)
	}
	text, err := os.ReadFile(pageOf(t, r))
	if err != nil || !strings.Contains(string(text), "from a loop that does nothing but write") {
		t.Errorf("%v: the page does not say it", err)
	}
}

func pageOf(t *testing.T, r *report.Report) string {
	t.Helper()
	folder := t.TempDir()
	if err := r.Write(folder); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "report.html")
}

// Limits of a budget fail a run, and so do figures that are not there.
func TestBudget(t *testing.T) {
	hub := hubtest.Start(t, "--store", "memory")
	budget := budgetFile(t, `{"published": {"min": 10000}, "delivery_p50_ms": {"max": 0}, "lost": {"max": 0}, "no_such": {"max": 1}}`)
	_, said, failed := load(t, "fanout", hub.URL(), "--streams", "5", "--rate", "50", "--duration", "1s", "--budget", budget)
	if failed == nil || len(failed.Reasons) != 3 {
		t.Fatalf("%v\n%s", failed, said)
	}
	for i, want := range []string{"delivery_p50_ms is", "which this run does not have", "published is 50, and must be 10000 at least"} {
		if !strings.Contains(failed.Reasons[i], want) {
			t.Errorf("%q, want %q", failed.Reasons[i], want)
		}
	}
}

// A hub that refuses is accounted for: what it refused is not missing.
func TestRefused(t *testing.T) {
	hub := hubtest.Start(t, "--store", "memory", "--publish-rate", "20")
	for _, batch := range []string{"1", "10"} {
		r, said, failed := load(t, "fanout", hub.URL(), "--streams", "5", "--rate", "1500", "--duration", "2s", "--spread=false", "--connections", "8", "--batch", batch)
		if failed != nil || r.Account.Refused == 0 || r.Account.By["429"] != r.Account.Refused || r.Account.Accepted == 0 || r.Account.Offered != 3000 {
			t.Errorf("batches of %s: %v %+v\n%s", batch, failed, r.Account, said)
		}
	}
}

// Streams that cannot be had fail the run, and a hub that is not there.
func TestNoStreams(t *testing.T) {
	hub := hubtest.Start(t, "--store", "memory", "--max-connections-per-address", "3")
	_, said, failed := load(t, "fanout", hub.URL(), "--streams", "5", "--rate", "50", "--duration", "1s", "--spread=false", "--patience", "1s")
	if failed == nil || !strings.Contains(failed.Error(), "2 streams could not be had") {
		t.Errorf("%v\n%s", failed, said)
	}
	address := hub.URL()
	hub.Kill()
	_, said, failed = load(t, "fanout", address, "--streams", "5", "--rate", "50", "--duration", "1s", "--patience", "1s")
	if failed == nil {
		t.Errorf("a hub that is not there:\n%s", said)
	}
}

// Several hubs that know nothing of one another have topics of their own.
func TestApart(t *testing.T) {
	a, b := hubtest.Start(t, "--store", "memory"), hubtest.Start(t, "--store", "memory")
	r, said, failed := load(t, "connect", a.URL()+","+b.URL(), "--streams", "40", "--topics", "4", "--apart", "--connections", "2")
	if failed != nil || r.Figures["published"] != 4 || r.Figures["delivered"] != 40 {
		t.Fatalf("%v %v\n%s", failed, r.Figures, said)
	}
	for _, h := range []*hubtest.Hub{a, b} {
		if n := h.Metric("sse_publishes_total", `"accepted"`); n != 2 {
			t.Errorf("%v events at one of the hubs", n)
		}
	}
}

// The run's own metrics, while it runs.
func TestMetrics(t *testing.T) {
	hub := hubtest.Start(t, "--store", "memory")
	address := programtest.FreeAddress(t)
	got := make(chan string, 1)
	go func() {
		for range 200 {
			time.Sleep(20 * time.Millisecond)
			a, err := http.Get("http://" + address + "/metrics")
			if err != nil {
				continue
			}
			text, _ := io.ReadAll(a.Body)
			a.Body.Close()
			if bytes.Contains(text, []byte("loadtest_streams 5")) && !bytes.Contains(text, []byte("loadtest_deliveries_total 0")) {
				got <- string(text)
				return
			}
		}
		got <- ""
	}()
	load(t, "fanout", hub.URL(), "--streams", "5", "--rate", "50", "--duration", "3s", "--listen", address)
	text := <-got
	for _, want := range []string{`loadtest_publishes_total{outcome="accepted"}`, `loadtest_delivery_latency_seconds_bucket{le="10"}`, `loadtest_faults_total{fault="doubled"} 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in the metrics: %s", want, text)
		}
	}
}

func TestSettings(t *testing.T) {
	for want, args := range map[string]string{
		"is not the address":         "--url nowhere",
		"--arrivals":                 "--arrivals often",
		"does not fit":               "--streams -1",
		"--topics-each":              "--topics-each 3 --topics 2",
		"--size":                     "--size 10:x",
		"is not between 0 and 1":     "--trace-ratio 2",
		"--budget":                   "--budget /nowhere",
		"--admin-url":                "--admin-url x",
		"--pid":                      "--pid x",
		"must begin with /":          "--subscribe-path x",
		"--publish-header":           "--publish-header x",
		"--apart":                    "--apart --url http://a,http://b",
		"--listen":                   "--listen x",
		"must not be below zero":     "--rate -1",
		"flag provided but not":      "--nothing",
		"(loadtest fanout --help":    "--nothing",
		"is more than":               "--topics 100000 --connections 10000",
		"--duration -1s is below":    "--duration -1s",
		"--every 1ms is too short":   "--every 1ms",
		"is too much":                "x",
		"connect: connection refuse": "--admin-url http://127.0.0.1:1 --ceiling 0",
	} {
		err := Run(t.Context(), "fanout", strings.Fields(args), noEnv, &bytes.Buffer{}, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", args, err, want)
		}
	}
	var out bytes.Buffer
	for _, p := range presets {
		if err := Run(t.Context(), p.name, []string{"--help"}, noEnv, &out, nil); err == nil {
			t.Error("help is no error, so that nothing runs")
		}
		if !strings.Contains(out.String(), "loadtest "+p.name+" [settings]") {
			t.Errorf("%s: %s", p.name, &out)
		}
	}
}
