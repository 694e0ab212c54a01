package observability

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// Sources are asked for their figures at each scrape.
type Sources struct {
	Streams func() sse.Stats
	Log     func() LogFigures
}

// LogFigures say how much is kept.
type LogFigures struct {
	Topics      int   // that exist
	HotTopics   int   // of these with recent events in memory
	MemoryBytes int64 // in the account of the memory budget
	StoreBytes  int64 // of bodies in the deep store
}

// Metrics are the figures of one hub. It implements sse.Observer.
type Metrics struct {
	release     string
	connects    *prometheus.CounterVec
	disconnects *prometheus.CounterVec
	gaps        *prometheus.CounterVec
	dropped     prometheus.Counter

	// Publishes by their outcome.
	Accepted prometheus.Counter // in the log
	Invalid  prometheus.Counter // the caller's fault
	Refused  prometheus.Counter // a limit of ours
	Failed   prometheus.Counter // our fault
}

// NewMetrics registers the metrics of a hub that runs one release.
func NewMetrics(r prometheus.Registerer, release string, from Sources) *Metrics {
	publishes := counters("sse_publishes_total", "Publishes by outcome.", "outcome")
	m := &Metrics{
		release:     release,
		connects:    counters("sse_connects_total", "Streams opened, by the outcome of the resume (the worst of its topics).", "release", "outcome"),
		disconnects: counters("sse_disconnects_total", "Streams ended, by reason.", "release", "reason"),
		gaps:        counters("sse_gaps_total", "Times a stream was told of missing events, by cause.", "cause"),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name:        "sse_telemetry_dropped_total",
			Help:        "Log lines that were dropped because their reader did not keep up.",
			ConstLabels: prometheus.Labels{"signal": "logs", "reason": "queue_full"},
		}),
		Accepted: publishes.WithLabelValues("accepted"),
		Invalid:  publishes.WithLabelValues("invalid"),
		Refused:  publishes.WithLabelValues("refused"),
		Failed:   publishes.WithLabelValues("failed"),
	}
	for _, o := range []eventlog.Outcome{eventlog.OutcomeLive, eventlog.OutcomeReplay, eventlog.OutcomeGap, eventlog.OutcomeAhead} {
		m.connects.WithLabelValues(release, string(o))
	}
	for _, reason := range []sse.Reason{
		sse.ReasonClient, sse.ReasonWriteTimeout, sse.ReasonDrain, sse.ReasonAdmin, sse.ReasonMemory, sse.ReasonError,
	} {
		m.disconnects.WithLabelValues(release, string(reason))
	}
	for _, c := range []eventlog.Cause{eventlog.Expired, eventlog.Ahead, eventlog.Damaged} {
		m.gaps.WithLabelValues(string(c))
	}
	r.MustRegister(publishes, m.connects, m.disconnects, m.gaps, m.dropped, newFigures(release, from))
	return m
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

// Connected counts an open stream.
func (m *Metrics) Connected(_ *sse.Conn, outcomes []eventlog.Outcome) {
	m.connects.WithLabelValues(m.release, string(worst(outcomes))).Inc()
}

// Gap counts a gap that a stream was told of.
func (m *Metrics) Gap(_ *sse.Conn, gap *eventlog.GapError) {
	m.gaps.WithLabelValues(string(gap.Cause)).Inc()
}

// Disconnected counts the end of a stream.
func (m *Metrics) Disconnected(_ *sse.Conn, reason sse.Reason, _ error, _ sse.Sent) {
	m.disconnects.WithLabelValues(m.release, string(reason)).Inc()
}

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
