package observability

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/services/sse"
)

// delivery are figures of how long events take to their readers.
type delivery struct {
	class   func(string) string
	latency map[samplePath]prometheus.Observer
	fanout  map[string]prometheus.Observer // by topic class
}

type samplePath struct {
	path    sse.Path
	release string
}

func newDelivery(r prometheus.Registerer, o *Options) delivery {
	latency := histograms("sse_delivery_latency_seconds", "Time from an event's append until a socket had accepted it, of a random sample of deliveries: all of them up to about 1,000 a second.", latencyBuckets, "path", "release")
	fanout := histograms("sse_fanout_seconds", "Time from an event's append until a write of it was attempted to every live stream that is not stalled, of every event that had such a stream.", latencyBuckets, "topic_class")
	d := delivery{class: o.Class, latency: map[samplePath]prometheus.Observer{}, fanout: map[string]prometheus.Observer{}}
	for _, release := range o.Releases {
		for _, path := range []sse.Path{sse.PathLive, sse.PathReplay} {
			d.latency[samplePath{path, release}] = latency.WithLabelValues(string(path), release)
		}
	}
	for _, class := range o.Classes {
		d.fanout[class] = fanout.WithLabelValues(class)
	}
	r.MustRegister(latency, fanout)
	return d
}

// Sampled observes one delivery of many.
func (d *delivery) Sampled(s sse.Sample) {
	observe(d.latency[samplePath{s.Path, s.Release}], s.Latency, traceIDOf(s.Traceparent))
}

// FannedOut observes events that have reached everybody.
func (d *delivery) FannedOut(topic string, events []sse.Fanout) {
	h := d.fanout[d.class(topic)]
	for i := range events {
		observe(h, events[i].Took, traceIDOf(events[i].Traceparent))
	}
}
