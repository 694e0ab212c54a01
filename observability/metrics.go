package observability

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Options say what there is to be measured.
type Options struct {
	// Version is of the binary, Release what this process runs.
	Version, Release string
	// Releases are all that a stream may be pinned to.
	Releases []string
	// Classes are the classes of topics, each once.
	Classes []string
	// Class returns the class of a topic: one of Classes. It is called once for
	// a batch of events and must be cheap.
	Class func(topic string) string
	// Backend is the name of the store.
	Backend string
	// Routes are what the listeners answer.
	Routes []Route
	// From is asked for figures at each scrape.
	From Sources
}

// Metrics are the figures of one hub. Its methods are safe for concurrent use.
//
// Histograms have classic buckets and native ones of 10 % each together.
type Metrics struct {
	streams
	delivery
	publishes
	requests
	stores
	Telemetry

	rejects  *prometheus.CounterVec
	breakers *prometheus.CounterVec
}

// New registers the metrics of a hub.
func New(r prometheus.Registerer, o Options) *Metrics {
	breakers, states := newBreakers(o.From.Breakers)
	m := &Metrics{
		streams:   newStreams(r, &o),
		delivery:  newDelivery(r, &o),
		publishes: newPublishes(r, &o),
		requests:  newRequests(r, o.Routes),
		stores:    newStores(r, o.Backend),
		Telemetry: NewTelemetry(r, o.From.Queues),
		rejects:   newRejects(),
		breakers:  breakers,
	}
	r.MustRegister(append(states, m.rejects, m.breakers, newFigures(&o))...)
	registerProcess(r, &o)
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func counter(name, help string) prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
}

// histogramOpts has native buckets of 10 % each next to the classic ones.
func histogramOpts(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}
}

func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(histogramOpts(name, help, buckets))
}

func histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(histogramOpts(name, help, buckets), labels)
}

// latencyBuckets reach from a delivery on the same machine to one that nobody
// waits for; 1 s is what the objectives ask.
var latencyBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// observe adds a duration, with the trace id as its exemplar where there is
// one.
func observe(h prometheus.Observer, took time.Duration, traceID string) {
	if traceID != "" {
		if e, ok := h.(prometheus.ExemplarObserver); ok {
			e.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": traceID})
			return
		}
	}
	h.Observe(took.Seconds())
}

// traceIDOf returns the trace id of a traceparent, or nothing for none.
func traceIDOf(traceparent []byte) string {
	if len(traceparent) < 35 {
		return ""
	}
	return string(traceparent[3:35])
}
