package scenario

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-stream/sluice/loadtest/internal/publishers"
	"github.com/sluice-stream/sluice/loadtest/internal/report"
	"github.com/sluice-stream/sluice/loadtest/internal/streams"
)

// metrics are a run's own, for Prometheus. A nil one has none.
type metrics struct {
	server *http.Server

	mu    sync.Mutex // guards what follows
	point report.Point
	pubs  publishers.Counts
	subs  streams.Counts
	hists map[string]distribution
}

// distribution is a histogram as Prometheus has it.
type distribution struct {
	count   uint64
	seconds float64
	buckets map[float64]uint64
}

// bounds are those of the hub's own latencies.
var bounds = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

var (
	describe = func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	published = describe("loadtest_publishes_total", "Events that the load test published, by what came of it: accepted, refused, unknown, unsent.", "outcome")
	delivered = describe("loadtest_deliveries_total", "Events that the load test's streams got, each once.")
	faults    = describe("loadtest_faults_total", "Deliveries that must not be: doubled, disorder, damaged, astray.", "fault")
	late      = describe("loadtest_late_total", "Deliveries that came later than the load test's --late.")
	open      = describe("loadtest_streams", "Streams of the load test that are open.")
	waiting   = describe("loadtest_waiting", "Publishes of the load test for which no connection is free.")
	cores     = describe("loadtest_cores", "Processors that the load test itself takes.")
	took      = describe("loadtest_publish_duration_seconds", "Time from when a publish should have begun until its answer.")
	latency   = describe("loadtest_delivery_latency_seconds", "Time from when an event should have been published until it was read.")
)

// serve answers at --listen.
func (s *sampler) serve() error {
	if s.r.listen == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.r.listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	m := &metrics{hists: map[string]distribution{}}
	registry := prometheus.NewRegistry()
	registry.MustRegister(m)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	m.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	s.mu.Lock()
	s.metrics = m
	s.mu.Unlock()
	s.ended.Go(func() {
		if err := m.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintf(s.r.out, "--listen: %v\n", err)
		}
	})
	return nil
}

func (m *metrics) close() {
	if m != nil {
		m.server.Close()
	}
}

// set takes over how it is now, and all since the beginning.
func (m *metrics) set(p *report.Point, all *sums) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.point, m.pubs, m.subs = *p, all.publishers, all.streams
	m.hists = map[string]distribution{"publish": distributionOf(all.taken), "delivery": distributionOf(all.delivery)}
}

func distributionOf(h *hdrhistogram.Histogram) distribution {
	d := distribution{count: uint64(h.TotalCount()), seconds: h.Mean() / 1e9 * float64(h.TotalCount()), buckets: map[float64]uint64{}}
	n, i := uint64(0), 0
	for _, bar := range h.Distribution() {
		for i < len(bounds) && float64(bar.From)/1e9 >= bounds[i] {
			d.buckets[bounds[i]] = n
			i++
		}
		n += uint64(bar.Count)
	}
	for ; i < len(bounds); i++ {
		d.buckets[bounds[i]] = n
	}
	return d
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	count := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	refused := uint64(0)
	for _, n := range m.pubs.Refused {
		refused += n
	}
	count(published, m.pubs.Accepted, "accepted")
	count(published, refused, "refused")
	count(published, m.pubs.Unknown, "unknown")
	count(published, m.pubs.Unsent, "unsent")
	count(delivered, m.subs.Delivered)
	count(faults, m.subs.Doubled, "doubled")
	count(faults, m.subs.Disorder, "disorder")
	count(faults, m.subs.Damaged, "damaged")
	count(faults, m.subs.Astray, "astray")
	count(late, m.subs.Late)
	gauge(open, m.point.Open)
	gauge(waiting, m.point.Waiting)
	gauge(cores, m.point.OwnCPU)
	for d, name := range map[*prometheus.Desc]string{took: "publish", latency: "delivery"} {
		h := m.hists[name]
		ch <- prometheus.MustNewConstHistogram(d, h.count, h.seconds, h.buckets)
	}
}
