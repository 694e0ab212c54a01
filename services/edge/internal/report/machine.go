package report

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/services/edge/internal/config"
	"github.com/sluice-stream/sluice/services/edge/internal/nginx"
)

// Sources are asked at each scrape. One that fails has no figures.
type Sources struct {
	Limits config.Limits
	Status func() (nginx.Status, error)
	Usage  func() (nginx.Usage, error)
}

// machine are figures of nginx as a whole.
type machine struct {
	Sources
	streams *streams
}

var (
	streamsOpen   = desc("sse_edge_streams", "Open streams.")
	streamsLimit  = desc("sse_edge_streams_limit", "Streams that there is room for: by files, connections and ports, or as it was set.")
	connections   = desc("sse_edge_connections", "Connections of clients, by what nginx does with them.", "state")
	refused       = desc("sse_edge_connections_refused_total", "Connections of clients that nginx accepted and could not take.")
	workerUse     = desc("sse_edge_worker_connections", "Connections, clients' and hubs' together, of the worker that has the most, counted by its open files.")
	workerLimit   = desc("sse_edge_worker_connections_limit", "Connections that a worker may have.")
	workers       = desc("sse_edge_workers", "nginx's workers: those that serve, and those of before a reload.", "state")
	cpuSeconds    = desc("sse_edge_cpu_seconds_total", "Processor time of nginx.")
	residentBytes = desc("sse_edge_resident_bytes", "Memory of nginx, what its processes share counted for each.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Watch registers the figures of nginx as a whole.
func (r *Report) Watch(to prometheus.Registerer, from Sources) {
	to.MustRegister(machine{from, &r.streams}, observability.CPUQuota())
}

// Describe implements prometheus.Collector.
func (m machine) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{streamsOpen, streamsLimit, connections, refused, workerUse, workerLimit, workers, cpuSeconds, residentBytes} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m machine) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value int, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(value), labels...)
	}
	gauge(streamsLimit, m.Limits.Streams)
	gauge(workerLimit, m.Limits.Connections)
	if s, err := m.Status(); err == nil {
		gauge(connections, s.Reading, "reading")
		gauge(connections, s.Writing, "writing")
		gauge(connections, s.Waiting, "waiting")
		to <- prometheus.MustNewConstMetric(refused, prometheus.CounterValue, float64(s.Accepted-s.Handled))
	}
	u, err := m.Usage()
	if err != nil {
		return
	}
	gauge(streamsOpen, m.streams.open(func(worker int) bool { return slices.Contains(u.Workers, worker) }))
	gauge(workers, u.Serving, "serving")
	gauge(workers, u.Ending, "ending")
	gauge(workerUse, u.Files)
	to <- prometheus.MustNewConstMetric(cpuSeconds, prometheus.CounterValue, u.CPU.Seconds())
	to <- prometheus.MustNewConstMetric(residentBytes, prometheus.GaugeValue, float64(u.Resident))
}
