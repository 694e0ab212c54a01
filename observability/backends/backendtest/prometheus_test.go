package backendtest

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// series returns how many series a query has, and the first one's value.
func series(prometheus *Backend, query string) (int, string, error) {
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	err := get(prometheus.URL("http")+"/api/v1/query", url.Values{"query": {query}}, &answer)
	if err != nil || len(answer.Data.Result) == 0 {
		return 0, "", err
	}
	return len(answer.Data.Result), fmt.Sprint(answer.Data.Result[0].Value[1]), nil
}

// wants tries until the first series of a query has that value.
func wants(t *testing.T, prometheus *Backend, query, value string) {
	t.Helper()
	eventually(t, query, func() error {
		n, got, err := series(prometheus, query)
		if err == nil && (n == 0 || got != value) {
			err = fmt.Errorf("%d series, the first is %q; want %s", n, got, value)
		}
		return err
	})
}

// A hub in a process of its own is scraped.
func TestPrometheusScrapesHub(t *testing.T) {
	t.Parallel()
	Program(t, "prometheus") // or skips, before a hub is built for nothing
	admin := startHub(t)
	prometheus := Prometheus(t, Scrape(admin))
	wants(t, prometheus, fmt.Sprintf(`up{job="hub",instance="%s"}`, admin), "1")
	wants(t, prometheus, `sum(sse_connections{job="hub"})`, "0")
}

// startHub builds and runs a hub, and returns its admin listener.
func startHub(t *testing.T) string {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	hub := exec.CommandContext(ctx, programtest.Built(t, "services/hub"), "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--store", "memory")
	var out programtest.Output
	hub.Stdout, hub.Stderr = &out, &out
	if err := hub.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		hub.Wait() // killed
	})
	admin := ""
	listening := regexp.MustCompile(`"admin":"http://([0-9.:]+)/"`)
	eventually(t, "the hub", func() error {
		m := listening.FindStringSubmatch(out.String())
		if m == nil {
			return fmt.Errorf("it says %s", out.String())
		}
		admin = m[1]
		return nil
	})
	return admin
}

// Histograms are kept in both forms, and exemplars with their trace.
func TestPrometheusKeeps(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	seconds := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "test_seconds", Help: "Test.", Buckets: []float64{1, 2}, NativeHistogramBucketFactor: 1.1,
	})
	registry.MustRegister(seconds)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	seconds.(prometheus.ExemplarObserver).ObserveWithExemplar(1.5, prometheus.Labels{"trace_id": trace})
	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	defer server.Close()
	backend := Prometheus(t, Scrape(strings.TrimPrefix(server.URL, "http://")))
	wants(t, backend, `test_seconds_bucket{le="2.0"}`, "1")
	wants(t, backend, `histogram_count(test_seconds)`, "1")
	eventually(t, "the exemplar", func() error {
		var answer struct {
			Data []struct {
				Exemplars []struct{ Labels map[string]string }
			}
		}
		err := get(backend.URL("http")+"/api/v1/query_exemplars", url.Values{
			"query": {"test_seconds_bucket"}, "start": {fmt.Sprint(time.Now().Add(-time.Hour).Unix())}, "end": {fmt.Sprint(time.Now().Add(time.Hour).Unix())},
		}, &answer)
		if err == nil && (len(answer.Data) == 0 || answer.Data[0].Exemplars[0].Labels["trace_id"] != trace) {
			err = fmt.Errorf("found %v", answer.Data)
		}
		return err
	})
	backend.Stop()
	server.Close() // what is known is from before
	backend.Start()
	n, _, err := series(backend, `last_over_time(test_seconds_bucket[5m])`)
	if err != nil || n != 3 {
		t.Errorf("after a restart: %d series, %v", n, err)
	}
}

// The configuration passes Prometheus' own checker, with the targets of the
// compose stack too.
func TestPromtoolChecksConfig(t *testing.T) {
	out := command(t, Promtool(t), "check", "config", "--lint=all", "--lint-fatal", "../../prometheus/prometheus.yml")
	if !strings.Contains(out, "SUCCESS") {
		t.Errorf("promtool says %s", out)
	}
}

// Every job of the configuration has a file of targets, and every backend that
// runs is scraped as the job of its name.
func TestPrometheusWatches(t *testing.T) {
	t.Parallel()
	alertmanager, jaeger, loki := Alertmanager(t), Jaeger(t), Loki(t)
	prometheus := Prometheus(t, AlertsTo(alertmanager), Watch(jaeger, loki), Target("prober", loki.Address("http")), Target("edge", loki.Address("http")))
	for _, job := range []string{"alertmanager", "api-gateway", "jaeger", "loki", "prober", "prometheus"} {
		wants(t, prometheus, fmt.Sprintf(`up{job=%q}`, job), "1")
	}
}
