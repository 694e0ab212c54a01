package observability

import "github.com/prometheus/client_golang/prometheus"

// refusals are why somebody was turned away: the reason of each type of
// problem. Other types mean that the request was not a good one.
var refusals = map[string]string{
	"connection-limit": "connection_limit",
	"address-limit":    "address_limit",
	"publish-rate":     "publish_rate",
	"topic-limit":      "topic_limit",
	"body-limit":       "body_limit",
	"breaker-open":     "breaker_open",
	"unauthorized":     "unauthorized",
	"forbidden":        "forbidden",
	"cross-origin":     "forbidden",
	"keys-unavailable": "keys_unavailable",
	"draining":         "draining",
}

const invalidRequest = "invalid"

func newRejects() *prometheus.CounterVec {
	c := counters("sse_rejects_total", "Requests turned away, by reason: subscriptions by any, publishes by limits and the breaker.", "reason")
	for _, reason := range refusals {
		c.WithLabelValues(reason)
	}
	c.WithLabelValues(invalidRequest)
	return c
}

// Rejected counts a request that was turned away with a type of problem.
func (m *Metrics) Rejected(problem string) {
	reason, ok := refusals[problem]
	if !ok {
		reason = invalidRequest
	}
	m.rejects.WithLabelValues(reason).Inc()
}

// breakerStates are what a breaker can change to.
var breakerStates = []string{"closed", "half-open", "open"}

func newBreakers(from map[string]func() int) (changes *prometheus.CounterVec, states []prometheus.Collector) {
	changes = counters("sse_breaker_transitions_total", "Changes of a circuit breaker, by what it changed to.", "breaker", "to")
	for name, state := range from {
		for _, to := range breakerStates {
			changes.WithLabelValues(name, to)
		}
		states = append(states, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        "sse_breaker_state",
			Help:        "State of a circuit breaker: 0 closed, 1 half-open, 2 open.",
			ConstLabels: prometheus.Labels{"breaker": name},
		}, func() float64 { return float64(state()) }))
	}
	return changes, states
}

// BreakerChanged counts a change of a circuit breaker.
func (m *Metrics) BreakerChanged(breaker, to string) {
	m.breakers.WithLabelValues(breaker, to).Inc()
}
