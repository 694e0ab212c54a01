package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-stream/sluice/observability/catalogue"
)

// edgeValues are those of the labels of the edge's metrics.
var edgeValues = map[string][]string{
	"fault":   {"connections", "files", "ports", "other"},
	"method":  {"GET", "POST"},
	"reason":  {"connect", "closed", "timeout"},
	"release": {"stable", "none"},
	"route":   {"/v1/events", "/v1/topics/:topic/events", "other"},
	"signal":  {"logs", "traces"},
	"state":   {"reading", "writing", "waiting", "serving", "ending"},
	"status":  {"200", "502"},
}

// startEdge starts what stands in for an edge, for which nginx is needed: it has
// all metrics that the catalogue says, which move with each scrape, and a line in
// Loki. It returns the address of the metrics. In compose.yaml's stack the real
// one is asked.
func startEdge(t *testing.T, loki string) string {
	t.Helper()
	registry := prometheus.NewRegistry()
	var moves []func()
	for name, m := range catalogue.Metrics() {
		labels, ok := m.Labels[catalogue.Edge]
		if !ok {
			continue
		}
		collector, move := standIn(name, m.Type, strings.Fields(labels))
		registry.MustRegister(collector)
		moves = append(moves, move)
	}
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, move := range moves {
			move()
		}
		metrics.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	line := fmt.Sprintf(`{"streams":[{"stream":{"service_name":"edge","level":"info","env":"test"},"values":[["%d","{\"msg\":\"GET /\"}"]]}]}`, time.Now().UnixNano())
	answer, err := http.Post(loki+"/loki/api/v1/push", "application/json", strings.NewReader(line))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("Loki: %s", answer.Status)
	}
	return strings.TrimPrefix(server.URL, "http://")
}

// standIn returns a metric, and what moves it.
func standIn(name, kind string, labels []string) (prometheus.Collector, func()) {
	sets := [][]string{nil}
	for _, label := range labels {
		var longer [][]string
		for _, set := range sets {
			for _, value := range edgeValues[label] {
				longer = append(longer, append(set[:len(set):len(set)], value))
			}
		}
		sets = longer
	}
	each := func(do func(set []string)) func() {
		return func() {
			for _, set := range sets {
				do(set)
			}
		}
	}
	switch kind {
	case catalogue.Counter:
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name}, labels)
		return v, each(func(set []string) { v.WithLabelValues(set...).Inc() })
	case catalogue.Histogram:
		v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, NativeHistogramBucketFactor: 1.1, Buckets: prometheus.DefBuckets}, labels)
		return v, each(func(set []string) {
			exemplar := prometheus.Labels{"trace_id": strings.Repeat("1", 32)}
			v.WithLabelValues(set...).(prometheus.ExemplarObserver).ObserveWithExemplar(0.01, exemplar)
		})
	}
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name}, labels)
	return v, each(func(set []string) { v.WithLabelValues(set...).Set(float64(time.Now().Unix())) })
}
