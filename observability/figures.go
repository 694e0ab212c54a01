package observability

import "github.com/prometheus/client_golang/prometheus"

// figures reads the sources at each scrape: what is counted exactly elsewhere
// is not counted twice.
type figures struct {
	releases []string
	from     Sources

	connections, deliveries, bytes, stalls, logBytes, topics *prometheus.Desc
}

func newFigures(releases []string, from Sources) *figures {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &figures{
		releases:    releases,
		from:        from,
		connections: desc("sse_connections", "Streams open now.", "release"),
		deliveries:  desc("sse_deliveries_total", "Events handed to sockets."),
		bytes:       desc("sse_delivered_bytes_total", "Bytes that sockets accepted, framing included."),
		stalls:      desc("sse_write_stalls_total", "Writes that found a socket full."),
		logBytes:    desc("sse_log_bytes", "Bytes kept: memory is the account of the memory budget, store the bodies in the deep store.", "tier"),
		topics:      desc("sse_topics", "Topics: memory counts those with recent events in memory, store those that exist.", "tier"),
	}
}

// Describe implements prometheus.Collector.
func (f *figures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.connections, f.deliveries, f.bytes, f.stalls, f.logBytes, f.topics} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *figures) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, kind prometheus.ValueType, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, kind, v, labels...)
	}
	s := f.from.Streams()
	open := f.from.Releases()
	for _, release := range f.releases {
		send(f.connections, prometheus.GaugeValue, float64(open[release]), release)
	}
	send(f.deliveries, prometheus.CounterValue, float64(s.Sent.Events))
	send(f.bytes, prometheus.CounterValue, float64(s.Sent.Bytes))
	send(f.stalls, prometheus.CounterValue, float64(s.Stalls))
	l := f.from.Log()
	send(f.logBytes, prometheus.GaugeValue, float64(l.MemoryBytes), "memory")
	send(f.logBytes, prometheus.GaugeValue, float64(l.StoreBytes), "store")
	send(f.topics, prometheus.GaugeValue, float64(l.HotTopics), "memory")
	send(f.topics, prometheus.GaugeValue, float64(l.Topics), "store")
}
