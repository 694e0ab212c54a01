package observability

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// streams are figures of connections: when they begin and end, what they
// missed, whether their clients are there.
type streams struct {
	classOf     func(string) string
	connects    *prometheus.CounterVec
	disconnects *prometheus.CounterVec
	age         *prometheus.HistogramVec
	gaps        *prometheus.CounterVec
	replays     *prometheus.HistogramVec
	pingRTT     prometheus.Histogram
	pingsMissed prometheus.Counter
	healthScore prometheus.Histogram
}

func newStreams(r prometheus.Registerer, o *Options) streams {
	s := streams{
		classOf:     o.Class,
		connects:    counters("sse_connects_total", "Streams opened, by the outcome of the resume (the worst of its topics).", "release", "outcome"),
		disconnects: counters("sse_disconnects_total", "Streams ended, by reason.", "release", "reason"),
		age:         histograms("sse_connection_age_seconds", "Age of streams at their end, by reason.", ageBuckets, "reason"),
		gaps:        counters("sse_gaps_total", "Times a stream was told of missing events: expired is what a limit of retention took, early what none explains, which is a fault.", "cause", "topic_class"),
		replays:     histograms("sse_replay_duration_seconds", "Time from the handshake until a stream was given all events that were there at its handshake, by where they were read.", latencyBuckets, "tier"),
		pingRTT:     histogram("sse_ping_rtt_seconds", "Time from a ping to its pong, late ones included, by the hub's clock.", rttBuckets),
		healthScore: histogram("sse_health_score", "Scores from 0 to 100 that health probes were answered.", scoreBuckets),
		pingsMissed: counter("sse_pings_missed_total", "Pings whose pong did not come in time."),
	}
	for _, release := range o.Releases {
		for _, outcome := range outcomes {
			s.connects.WithLabelValues(release, string(outcome))
		}
		for _, reason := range reasons {
			s.disconnects.WithLabelValues(release, string(reason))
		}
	}
	for _, reason := range reasons {
		s.age.WithLabelValues(string(reason))
	}
	for _, cause := range causes {
		for _, class := range o.Classes {
			s.gaps.WithLabelValues(cause, class)
		}
	}
	for _, tier := range tiers {
		s.replays.WithLabelValues(string(tier))
	}
	r.MustRegister(s.connects, s.disconnects, s.age, s.gaps, s.replays, s.pingRTT, s.pingsMissed, s.healthScore)
	return s
}

// What labels can be.
var (
	outcomes = []eventlog.Outcome{eventlog.OutcomeLive, eventlog.OutcomeReplay, eventlog.OutcomeGap, eventlog.OutcomeAhead}
	reasons  = []sse.Reason{sse.ReasonClient, sse.ReasonWriteTimeout, sse.ReasonPongTimeout, sse.ReasonTokenExpired,
		sse.ReasonDrain, sse.ReasonAdmin, sse.ReasonMemory, sse.ReasonError}
	causes = []string{string(eventlog.Expired), earlyGap, string(eventlog.Ahead), string(eventlog.Damaged)}
	tiers  = []sse.Tier{sse.TierMemory, sse.TierStore}
)

// earlyGap is the cause of a gap within what retention promises.
const earlyGap = "early"

// rttBuckets reach from a pong on the same machine to one that is late.
var rttBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2, 3, 5, 10}

// scoreBuckets are finer where a score says that all is well.
var scoreBuckets = []float64{10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 100}

// ageBuckets reach from a failed attempt to a page that is left open for days.
var ageBuckets = []float64{.1, 1, 5, 15, 60, 300, 900, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600}

// Connected counts an open stream.
func (s *streams) Connected(c *sse.Conn, outcomes []eventlog.Outcome) {
	s.connects.WithLabelValues(c.Release, string(worst(outcomes))).Inc()
}

// Gap counts a gap that a stream was told of; early: what is gone was promised
// to be there.
func (s *streams) Gap(gap *eventlog.GapError, early bool) {
	cause := string(gap.Cause)
	if early {
		cause = earlyGap
	}
	s.gaps.WithLabelValues(cause, s.classOf(gap.Topic)).Inc()
}

// Replayed observes how long a replay took.
func (s *streams) Replayed(_ *sse.Conn, r sse.Replay) {
	s.replays.WithLabelValues(string(r.Tier)).Observe(r.Took.Seconds())
}

// Disconnected counts the end of a stream.
func (s *streams) Disconnected(c *sse.Conn, reason sse.Reason, _ error, _ sse.Sent) {
	s.disconnects.WithLabelValues(c.Release, string(reason)).Inc()
	s.age.WithLabelValues(string(reason)).Observe(time.Since(c.Opened).Seconds())
}

// Scored observes the score that a health probe was answered.
func (s *streams) Scored(score int) { s.healthScore.Observe(float64(score)) }

// Ponged observes a round trip.
func (s *streams) Ponged(rtt time.Duration) { s.pingRTT.Observe(rtt.Seconds()) }

// PingMissed counts a pong that did not come in time.
func (s *streams) PingMissed() { s.pingsMissed.Inc() }

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
