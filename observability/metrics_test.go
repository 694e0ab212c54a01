package observability

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

func newTestMetrics(t *testing.T) (*Metrics, *prometheus.Registry) {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	m := NewMetrics(r, []string{"blue", "green"}, Sources{
		Streams: func() sse.Stats {
			return sse.Stats{Connections: 3, Sent: sse.Sent{Events: 40, Bytes: 500}, Stalls: 6}
		},
		Releases: func() map[string]int { return map[string]int{"blue": 3} },
		Log:      func() LogFigures { return LogFigures{Topics: 7, HotTopics: 2, MemoryBytes: 800, StoreBytes: 9000} },
		Breakers: map[string]func() int{"publish": func() int { return 2 }},
	})
	return m, r
}

// Every known set of labels is there before anything happened, and nothing
// else ever appears.
func TestLabelSetsExistFromTheStart(t *testing.T) {
	_, r := newTestMetrics(t)
	want := map[string]int{
		"sse_connects_total": 8, "sse_disconnects_total": 16, "sse_gaps_total": 3, "sse_publishes_total": 5,
		"sse_connections": 2, "sse_deliveries_total": 1, "sse_delivered_bytes_total": 1, "sse_write_stalls_total": 1,
		"sse_log_bytes": 2, "sse_topics": 2, "sse_telemetry_dropped_total": 1,
		"sse_rejects_total": 11, "sse_breaker_state": 1, "sse_breaker_transitions_total": 3,
		"sse_ping_rtt_seconds": 1, "sse_pings_missed_total": 1, "sse_health_score": 1,
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if n := len(f.GetMetric()); n != want[f.GetName()] {
			t.Errorf("%s has %d label sets, want %d", f.GetName(), n, want[f.GetName()])
		}
		delete(want, f.GetName())
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
	problems, err := testutil.GatherAndLint(r)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
}

func TestMetricsCount(t *testing.T) {
	m, r := newTestMetrics(t)
	blue := &sse.Conn{Release: "blue"}
	m.Connected(blue, []eventlog.Outcome{eventlog.OutcomeLive, eventlog.OutcomeGap, eventlog.OutcomeReplay})
	m.Connected(blue, []eventlog.Outcome{eventlog.OutcomeLive})
	m.Gap(nil, &eventlog.GapError{Cause: eventlog.Damaged})
	m.Disconnected(blue, sse.ReasonWriteTimeout, nil, sse.Sent{})
	m.Accepted.Inc()
	m.Duplicate.Inc()
	m.Dropped(12)
	m.Rejected("address-limit")
	m.Rejected("invalid-topic")
	m.Rejected("unexpected-body")
	m.BreakerChanged("publish", "open")
	const want = `
# HELP sse_breaker_state State of a circuit breaker: 0 closed, 1 half-open, 2 open.
# TYPE sse_breaker_state gauge
sse_breaker_state{breaker="publish"} 2
# HELP sse_breaker_transitions_total Changes of a circuit breaker, by what it changed to.
# TYPE sse_breaker_transitions_total counter
sse_breaker_transitions_total{breaker="publish",to="closed"} 0
sse_breaker_transitions_total{breaker="publish",to="half-open"} 0
sse_breaker_transitions_total{breaker="publish",to="open"} 1
# HELP sse_connections Streams open now.
# TYPE sse_connections gauge
sse_connections{release="blue"} 3
sse_connections{release="green"} 0
# HELP sse_connects_total Streams opened, by the outcome of the resume (the worst of its topics).
# TYPE sse_connects_total counter
sse_connects_total{outcome="ahead",release="blue"} 0
sse_connects_total{outcome="ahead",release="green"} 0
sse_connects_total{outcome="gap",release="blue"} 1
sse_connects_total{outcome="gap",release="green"} 0
sse_connects_total{outcome="live",release="blue"} 1
sse_connects_total{outcome="live",release="green"} 0
sse_connects_total{outcome="replay",release="blue"} 0
sse_connects_total{outcome="replay",release="green"} 0
# HELP sse_deliveries_total Events handed to sockets.
# TYPE sse_deliveries_total counter
sse_deliveries_total 40
# HELP sse_gaps_total Times a stream was told of missing events, by cause.
# TYPE sse_gaps_total counter
sse_gaps_total{cause="ahead"} 0
sse_gaps_total{cause="damaged"} 1
sse_gaps_total{cause="expired"} 0
# HELP sse_log_bytes Bytes kept: memory is the account of the memory budget, store the bodies in the deep store.
# TYPE sse_log_bytes gauge
sse_log_bytes{tier="memory"} 800
sse_log_bytes{tier="store"} 9000
# HELP sse_publishes_total Publishes by outcome, each event of a batch.
# TYPE sse_publishes_total counter
sse_publishes_total{outcome="accepted"} 1
sse_publishes_total{outcome="duplicate"} 1
sse_publishes_total{outcome="failed"} 0
sse_publishes_total{outcome="invalid"} 0
sse_publishes_total{outcome="refused"} 0
# HELP sse_rejects_total Requests turned away, by reason: subscriptions by any, publishes by limits and the breaker.
# TYPE sse_rejects_total counter
sse_rejects_total{reason="address_limit"} 1
sse_rejects_total{reason="body_limit"} 0
sse_rejects_total{reason="breaker_open"} 0
sse_rejects_total{reason="connection_limit"} 0
sse_rejects_total{reason="draining"} 0
sse_rejects_total{reason="forbidden"} 0
sse_rejects_total{reason="invalid"} 2
sse_rejects_total{reason="keys_unavailable"} 0
sse_rejects_total{reason="publish_rate"} 0
sse_rejects_total{reason="topic_limit"} 0
sse_rejects_total{reason="unauthorized"} 0
# HELP sse_telemetry_dropped_total Log lines that were dropped because their reader did not keep up.
# TYPE sse_telemetry_dropped_total counter
sse_telemetry_dropped_total{reason="queue_full",signal="logs"} 12
`
	names := []string{"sse_connections", "sse_connects_total", "sse_deliveries_total", "sse_gaps_total", "sse_log_bytes", "sse_publishes_total", "sse_telemetry_dropped_total",
		"sse_rejects_total", "sse_breaker_state", "sse_breaker_transitions_total"}
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

// The classic buckets tell a pong in time from a late one, and a good score
// from a bad one.
func TestHeartbeatMetrics(t *testing.T) {
	m, r := newTestMetrics(t)
	for _, rtt := range []time.Duration{800 * time.Microsecond, 40 * time.Millisecond, 2900 * time.Millisecond, 3100 * time.Millisecond, time.Minute} {
		m.Ponged(rtt)
	}
	m.PingMissed()
	for _, score := range []int{0, 85, 100} {
		m.Scored(score)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]uint64{}
	for _, f := range families {
		h := f.GetMetric()[0].GetHistogram()
		for _, b := range h.GetBucket() {
			got[fmt.Sprint(f.GetName(), " ", b.GetUpperBound())] = b.GetCumulativeCount()
		}
		got[f.GetName()] = h.GetSampleCount()
	}
	for key, want := range map[string]uint64{
		"sse_ping_rtt_seconds 0.001": 1, "sse_ping_rtt_seconds 0.05": 2, "sse_ping_rtt_seconds 3": 3, "sse_ping_rtt_seconds 10": 4,
		"sse_ping_rtt_seconds": 5, "sse_health_score 10": 1, "sse_health_score 90": 2, "sse_health_score 100": 3,
	} {
		if got[key] != want {
			t.Errorf("%s: %d, want %d", key, got[key], want)
		}
	}
	const missed = `
# HELP sse_pings_missed_total Pings whose pong did not come in time.
# TYPE sse_pings_missed_total counter
sse_pings_missed_total 1
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(missed), "sse_pings_missed_total"); err != nil {
		t.Error(err)
	}
}
