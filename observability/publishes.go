package observability

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Outcome is what became of a publish.
type Outcome string

// The outcomes.
const (
	Accepted  Outcome = "accepted"  // it is in the log
	Duplicate Outcome = "duplicate" // it was already
	Invalid   Outcome = "invalid"   // the caller's fault
	Refused   Outcome = "refused"   // ours: a limit, or the breaker
	Failed    Outcome = "failed"    // ours
)

// publishes are figures of publishers.
type publishes struct {
	outcomes map[published]prometheus.Counter
	duration prometheus.Histogram
	size     prometheus.Histogram
}

type published struct {
	outcome Outcome
	class   string
}

func newPublishes(r prometheus.Registerer, o *Options) publishes {
	total := counters("sse_publishes_total", "Publishes by outcome, each event of a batch.", "outcome", "topic_class")
	p := publishes{
		outcomes: map[published]prometheus.Counter{},
		duration: histogram("sse_publish_duration_seconds", "Time from a publishing request to its answer, of those that reached the log.", latencyBuckets),
		size:     histogram("sse_event_bytes", "Bytes of the data of accepted events.", sizeBuckets),
	}
	for _, outcome := range []Outcome{Accepted, Duplicate, Invalid, Refused, Failed} {
		for _, class := range o.Classes {
			p.outcomes[published{outcome, class}] = total.WithLabelValues(string(outcome), class)
		}
	}
	r.MustRegister(total, p.duration, p.size)
	return p
}

// sizeBuckets reach from a number to the largest event that is usual.
var sizeBuckets = prometheus.ExponentialBuckets(32, 4, 8)

// Published counts an event that somebody tried to publish.
func (p *publishes) Published(outcome Outcome, class string) {
	p.outcomes[published{outcome, class}].Inc()
}

// Size observes the bytes of an accepted event's data.
func (p *publishes) Size(bytes int) { p.size.Observe(float64(bytes)) }

// PublishTook observes a publishing request that reached the log, with its
// trace where that is sampled.
func (p *publishes) PublishTook(took time.Duration, traceID string) {
	observe(p.duration, took, traceID)
}
