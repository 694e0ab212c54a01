package observability

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

func newTestMetrics(t *testing.T) (*Metrics, *prometheus.Registry) {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	m := NewMetrics(r, "blue", Sources{
		Streams: func() sse.Stats {
			return sse.Stats{Connections: 3, Sent: sse.Sent{Events: 40, Bytes: 500}, Stalls: 6}
		},
		Log: func() LogFigures { return LogFigures{Topics: 7, HotTopics: 2, MemoryBytes: 800, StoreBytes: 9000} },
	})
	return m, r
}

// Every known set of labels is there before anything happened, and nothing
// else ever appears.
func TestLabelSetsExistFromTheStart(t *testing.T) {
	_, r := newTestMetrics(t)
	want := map[string]int{
		"sse_connects_total": 4, "sse_disconnects_total": 6, "sse_gaps_total": 3, "sse_publishes_total": 4,
		"sse_connections": 1, "sse_deliveries_total": 1, "sse_delivered_bytes_total": 1, "sse_write_stalls_total": 1,
		"sse_log_bytes": 2, "sse_topics": 2, "sse_telemetry_dropped_total": 1,
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
	m.Connected(nil, []eventlog.Outcome{eventlog.OutcomeLive, eventlog.OutcomeGap, eventlog.OutcomeReplay})
	m.Connected(nil, []eventlog.Outcome{eventlog.OutcomeLive})
	m.Gap(nil, &eventlog.GapError{Cause: eventlog.Damaged})
	m.Disconnected(nil, sse.ReasonWriteTimeout, nil, sse.Sent{})
	m.Accepted.Inc()
	m.Dropped(12)
	const want = `
# HELP sse_connections Streams open now.
# TYPE sse_connections gauge
sse_connections{release="blue"} 3
# HELP sse_connects_total Streams opened, by the outcome of the resume (the worst of its topics).
# TYPE sse_connects_total counter
sse_connects_total{outcome="ahead",release="blue"} 0
sse_connects_total{outcome="gap",release="blue"} 1
sse_connects_total{outcome="live",release="blue"} 1
sse_connects_total{outcome="replay",release="blue"} 0
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
# HELP sse_telemetry_dropped_total Log lines that were dropped because their reader did not keep up.
# TYPE sse_telemetry_dropped_total counter
sse_telemetry_dropped_total{reason="queue_full",signal="logs"} 12
`
	names := []string{"sse_connections", "sse_connects_total", "sse_deliveries_total", "sse_gaps_total", "sse_log_bytes", "sse_telemetry_dropped_total"}
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}
