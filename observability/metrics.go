package observability

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// Sources are asked for their figures at each scrape.
type Sources struct {
	Streams  func() sse.Stats
	Releases func() map[string]int // open streams
	Log      func() LogFigures
	// Breakers are the circuit breakers by name: 0 closed, 1 half-open, 2 open.
	Breakers map[string]func() int
}

// LogFigures say how much is kept.
type LogFigures struct {
	Topics      int   // that exist
	HotTopics   int   // of these with recent events in memory
	MemoryBytes int64 // in the account of the memory budget
	StoreBytes  int64 // of bodies in the deep store
}

// Metrics are the figures of one hub.
type Metrics struct {
	connects    *prometheus.CounterVec
	disconnects *prometheus.CounterVec
	gaps        *prometheus.CounterVec
	dropped     prometheus.Counter
	rejects     *prometheus.CounterVec
	breakers    *prometheus.CounterVec
	pingRTT     prometheus.Histogram
	pingsMissed prometheus.Counter
	healthScore prometheus.Histogram

	// Publishes by their outcome.
	Accepted  prometheus.Counter // in the log
	Duplicate prometheus.Counter // in the log already
	Invalid   prometheus.Counter // the caller's fault
	Refused   prometheus.Counter // a limit of ours
	Failed    prometheus.Counter // our fault
}

// NewMetrics registers the metrics of a hub whose streams may be pinned to any
// of the releases.
func NewMetrics(r prometheus.Registerer, releases []string, from Sources) *Metrics {
	publishes := counters("sse_publishes_total", "Publishes by outcome, each event of a batch.", "outcome")
	m := &Metrics{
		connects:    counters("sse_connects_total", "Streams opened, by the outcome of the resume (the worst of its topics).", "release", "outcome"),
		disconnects: counters("sse_disconnects_total", "Streams ended, by reason.", "release", "reason"),
		gaps:        counters("sse_gaps_total", "Times a stream was told of missing events, by cause.", "cause"),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name:        "sse_telemetry_dropped_total",
			Help:        "Log lines that were dropped because their reader did not keep up.",
			ConstLabels: prometheus.Labels{"signal": "logs", "reason": "queue_full"},
		}),
		pingRTT:     histogram("sse_ping_rtt_seconds", "Time from a ping to its pong, late ones included, by the hub's clock.", rttBuckets),
		healthScore: histogram("sse_health_score", "Scores from 0 to 100 that health probes were answered.", scoreBuckets),
		pingsMissed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "sse_pings_missed_total",
			Help: "Pings whose pong did not come in time.",
		}),
		Accepted:  publishes.WithLabelValues("accepted"),
		Duplicate: publishes.WithLabelValues("duplicate"),
		Invalid:   publishes.WithLabelValues("invalid"),
		Refused:   publishes.WithLabelValues("refused"),
		Failed:    publishes.WithLabelValues("failed"),
	}
	breakers, states := newBreakers(from.Breakers)
	m.rejects, m.breakers = newRejects(), breakers
	r.MustRegister(append(states, m.rejects, m.breakers)...)
	for _, release := range releases {
		m.begin(release)
	}
	for _, c := range []eventlog.Cause{eventlog.Expired, eventlog.Ahead, eventlog.Damaged} {
		m.gaps.WithLabelValues(string(c))
	}
	r.MustRegister(publishes, m.connects, m.disconnects, m.gaps, m.dropped, m.pingRTT, m.pingsMissed, m.healthScore, newFigures(releases, from))
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// begin makes the label sets of a release.
func (m *Metrics) begin(release string) {
	for _, o := range []eventlog.Outcome{eventlog.OutcomeLive, eventlog.OutcomeReplay, eventlog.OutcomeGap, eventlog.OutcomeAhead} {
		m.connects.WithLabelValues(release, string(o))
	}
	for _, reason := range []sse.Reason{
		sse.ReasonClient, sse.ReasonWriteTimeout, sse.ReasonPongTimeout, sse.ReasonTokenExpired,
		sse.ReasonDrain, sse.ReasonAdmin, sse.ReasonMemory, sse.ReasonError,
	} {
		m.disconnects.WithLabelValues(release, string(reason))
	}
}

// Connected counts an open stream.
func (m *Metrics) Connected(c *sse.Conn, outcomes []eventlog.Outcome) {
	m.connects.WithLabelValues(c.Release, string(worst(outcomes))).Inc()
}

// Gap counts a gap that a stream was told of.
func (m *Metrics) Gap(_ *sse.Conn, gap *eventlog.GapError) {
	m.gaps.WithLabelValues(string(gap.Cause)).Inc()
}

// Disconnected counts the end of a stream.
func (m *Metrics) Disconnected(c *sse.Conn, reason sse.Reason, _ error, _ sse.Sent) {
	m.disconnects.WithLabelValues(c.Release, string(reason)).Inc()
}

// histogram has native buckets of 10 % each next to the classic ones.
func histogram(name, help string, buckets []float64) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: name, Help: help, Buckets: buckets,
		NativeHistogramBucketFactor:    1.1,
		NativeHistogramMaxBucketNumber: 100,
	})
}

// rttBuckets reach from a pong on the same machine to one that is late.
var rttBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 3, 5, 10}

// scoreBuckets are finer where a score says that all is well.
var scoreBuckets = []float64{10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 100}

// Scored observes the score that a health probe was answered.
func (m *Metrics) Scored(score int) { m.healthScore.Observe(float64(score)) }

// Ponged observes a round trip.
func (m *Metrics) Ponged(rtt time.Duration) { m.pingRTT.Observe(rtt.Seconds()) }

// PingMissed counts a pong that did not come in time.
func (m *Metrics) PingMissed() { m.pingsMissed.Inc() }

// Dropped counts log lines that nobody will see.
func (m *Metrics) Dropped(lines int) { m.dropped.Add(float64(lines)) }

// worst returns the outcome that says most about a connection on several
// topics, so that each connection counts once.
func worst(outcomes []eventlog.Outcome) eventlog.Outcome {
	found := eventlog.OutcomeLive
	for _, o := range outcomes {
		if severity(o) > severity(found) {
			found = o
		}
	}
	return found
}

func severity(o eventlog.Outcome) int {
	switch o {
	case eventlog.OutcomeAhead:
		return 3
	case eventlog.OutcomeGap:
		return 2
	case eventlog.OutcomeReplay:
		return 1
	}
	return 0
}
