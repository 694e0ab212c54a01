package probe

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// reason is why a round failed.
type reason string

// The reasons, as doc.go tells them apart.
const (
	failedPublish   reason = "publish"
	failedConnect   reason = "connect"
	failedRead      reason = "read"
	failedTimeout   reason = "timeout"
	failedBuffering reason = "buffering"
)

var reasons = []reason{failedPublish, failedConnect, failedRead, failedTimeout, failedBuffering}

// latencyBuckets are those of the hub's own latencies; 1 s is what the
// objectives ask.
var latencyBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// metrics are the figures of a prober.
type metrics struct {
	latency  *prometheus.HistogramVec
	failures *prometheus.CounterVec
}

// newMetrics registers the figures with all their labels.
func newMetrics(r prometheus.Registerer, targets []string) *metrics {
	m := &metrics{
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "sse_probe_latency_seconds",
			Help:    "Time from the start of a probe's publish until its event was read from the stream, of rounds that succeeded.",
			Buckets: latencyBuckets,

			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  100,
			NativeHistogramMinResetDuration: time.Hour,
		}, []string{"target"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "sse_probe_failures_total",
			Help: "Rounds of the probe that failed, each counted once, by reason: publish, connect, read, timeout, buffering.",
		}, []string{"target", "reason"}),
	}
	for _, target := range targets {
		m.latency.WithLabelValues(target)
		for _, why := range reasons {
			m.failures.WithLabelValues(target, string(why))
		}
	}
	r.MustRegister(m.latency, m.failures)
	return m
}

// of returns what counts the rounds of one target.
func (m *metrics) of(target string) *targetMetrics {
	return &targetMetrics{m.latency.WithLabelValues(target), m.failures.MustCurryWith(prometheus.Labels{"target": target})}
}

type targetMetrics struct {
	latency  prometheus.Observer
	failures *prometheus.CounterVec
}

// succeeded implements outcomes.
func (t *targetMetrics) succeeded(r *round, took time.Duration) {
	if e, ok := t.latency.(prometheus.ExemplarObserver); ok && r.trace.Sampled {
		e.ObserveWithExemplar(took.Seconds(), prometheus.Labels{"trace_id": r.trace.ID})
		return
	}
	t.latency.Observe(took.Seconds())
}

// failed implements outcomes.
func (t *targetMetrics) failed(_ *round, why reason) { t.failures.WithLabelValues(string(why)).Inc() }
