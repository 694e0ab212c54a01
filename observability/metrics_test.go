package observability

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/sluice-stream/sluice/observability/logs"
	"github.com/sluice-stream/sluice/observability/outbox"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

func newTestMetrics(t *testing.T) (*Metrics, *prometheus.Registry) {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	m := New(r, Options{
		Version: "v1", Release: "blue", Releases: []string{"blue", "green"},
		Classes: []string{"orders", "other"},
		Class: func(topic string) string {
			if strings.HasPrefix(topic, "orders") {
				return "orders"
			}
			return "other"
		},
		Backend: "disk",
		Routes:  []Route{{"GET", "/v1/events", []int{200, 429}}},
		From: Sources{
			Streams: func() sse.Stats {
				return sse.Stats{Connections: 3, Sent: sse.Sent{Events: 40, Bytes: 500}, Stalls: 6,
					ReplayedMemory: 5, ReplayedStore: 7, ReplayedBytes: 120, Replaying: 2, CachedPages: 8, SharedFetches: 9, UnknownTopics: 10}
			},
			Groups: func() map[sse.Group]int {
				return map[sse.Group]int{{Release: "blue", Transport: sse.HTTP1}: 3, {Release: "green", Transport: sse.HTTP2, Health: sse.Degraded}: 1}
			},
			Behind: func() map[string]sse.Behind { return map[string]sse.Behind{"orders": {Connections: 2, Bytes: 77}} },
			Stress: func() int { return 4 },
			Log: func() LogFigures {
				return LogFigures{Topics: 7, HotTopics: 2, Events: 900, HotEvents: 90, MemoryBytes: 800, StoreBytes: 9000,
					Headroom: map[string]time.Duration{"orders": time.Hour, "other": 24 * time.Hour}}
			},
			Account: func() map[string]eventlog.Account {
				return map[string]eventlog.Account{"orders": {Accepted: 99, Readings: eventlog.Readings{Delivered: 50, Told: 4, Left: 3, Lost: 2}}}
			},
			Disk: func() DiskFigures {
				return DiskFigures{Bytes: map[string]int64{DiskTables: 3000, DiskLog: 400}, Written: map[string]uint64{DiskTables: 50, DiskLog: 60},
					FreeBytes: 7000, ReserveBytes: 800, DebtBytes: 90, ReadTables: 5, Stalls: 6, Stalled: 1500 * time.Millisecond, Failures: 2}
			},
			Draining: func() bool { return true },
			Breakers: map[string]func() int{"publish": func() int { return 2 }},
			Queues:   map[string]func() int{SignalLogs: func() int { return 11 }, SignalTraces: func() int { return 12 }},
		},
	})
	return m, r
}

// Every known set of labels is there before anything happened, and nothing
// else ever appears.
func TestLabelSetsExistFromTheStart(t *testing.T) {
	_, r := newTestMetrics(t)
	want := map[string]int{
		"http_request_duration_seconds": 2,
		"sse_account_events_total":      8,
		"sse_connections":               12, "sse_connects_total": 8, "sse_disconnects_total": 16, "sse_connection_age_seconds": 8,
		"sse_gaps_total": 8, "sse_replay_duration_seconds": 2, "sse_replayed_events_total": 2, "sse_replay_queue": 1,
		"sse_resume_headroom_seconds": 2, "sse_publishes_total": 10, "sse_publish_duration_seconds": 1, "sse_event_bytes": 1,
		"sse_deliveries_total": 2, "sse_delivered_bytes_total": 2, "sse_delivery_latency_seconds": 4, "sse_fanout_seconds": 2,
		"sse_behind_connections": 2, "sse_behind_bytes": 2, "sse_write_stalls_total": 1,
		"sse_ping_rtt_seconds": 1, "sse_pings_missed_total": 1, "sse_health_score": 1,
		"sse_rejects_total": 11, "sse_breaker_state": 1, "sse_breaker_transitions_total": 3,
		"sse_log_events": 2, "sse_log_bytes": 2, "sse_topics": 2, "sse_reads_saved_total": 3,
		"sse_store_operation_duration_seconds": 3, "sse_store_errors_total": 3,
		"sse_store_disk_bytes": 2, "sse_store_written_bytes_total": 2, "sse_store_disk_free_bytes": 1, "sse_store_disk_reserve_bytes": 1,
		"sse_store_compaction_debt_bytes": 1, "sse_store_read_amplification": 1, "sse_store_write_stalls_total": 1,
		"sse_store_write_stall_seconds_total": 1, "sse_store_background_errors_total": 1,
		"sse_draining": 1, "sse_stress_connections": 1,
		"sse_telemetry_dropped_total": 9, "sse_telemetry_queue_depth": 2, "sse_telemetry_last_success_timestamp_seconds": 2,
		"sse_build_info": 1, "sse_cpu_quota_cores": 1,
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		name := f.GetName()
		if strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_") {
			continue
		}
		if n := len(f.GetMetric()); n != want[name] {
			t.Errorf("%s has %d label sets, want %d", name, n, want[name])
		}
		delete(want, name)
		for _, m := range f.GetMetric() {
			if h := m.GetHistogram(); h != nil && (h.Schema == nil || len(h.GetBucket()) == 0) {
				t.Errorf("%s has not both kinds of buckets", name)
			}
		}
	}
	for name := range want {
		t.Errorf("%s is missing", name)
	}
	problems, err := testutil.GatherAndLint(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "sse_") || strings.HasPrefix(p.Metric, "http_") {
			t.Errorf("lint: %+v", p)
		}
	}
}

func TestMetricsCount(t *testing.T) {
	m, r := newTestMetrics(t)
	blue := &sse.Conn{Release: "blue", Opened: time.Now()}
	m.Connected(blue, []eventlog.Outcome{eventlog.OutcomeLive, eventlog.OutcomeGap, eventlog.OutcomeReplay})
	m.Connected(blue, []eventlog.Outcome{eventlog.OutcomeLive})
	m.Gap(&eventlog.GapError{Topic: "orders.eu", Cause: eventlog.Damaged}, false)
	m.Gap(&eventlog.GapError{Topic: "x", Cause: eventlog.Expired}, true)
	m.Disconnected(blue, sse.ReasonWriteTimeout, nil, sse.Sent{})
	m.Published(Accepted, "orders")
	m.Published(Duplicate, "other")
	m.Dropped(SignalLogs)(logs.StdoutFull, 12)
	m.Dropped(SignalTraces)(outbox.QueueFull, 3)
	m.Rejected("address-limit")
	m.Rejected("invalid-topic")
	m.Rejected("unexpected-body")
	m.BreakerChanged("publish", "open")
	for name, want := range map[string]float64{
		`sse_account_events_total{outcome="delivered",topic_class="orders"}`:                50,
		`sse_account_events_total{outcome="told",topic_class="orders"}`:                     4,
		`sse_account_events_total{outcome="left",topic_class="orders"}`:                     3,
		`sse_account_events_total{outcome="lost",topic_class="orders"}`:                     2,
		`sse_account_events_total{outcome="lost",topic_class="other"}`:                      0,
		`sse_breaker_state{breaker="publish"}`:                                              2,
		`sse_breaker_transitions_total{breaker="publish",to="open"}`:                        1,
		`sse_connections{health="none",release="blue",transport="http1"}`:                   3,
		`sse_connections{health="degraded",release="green",transport="http2"}`:              1,
		`sse_connects_total{outcome="gap",release="blue"}`:                                  1,
		`sse_connects_total{outcome="live",release="blue"}`:                                 1,
		`sse_deliveries_total{path="live"}`:                                                 28,
		`sse_deliveries_total{path="replay"}`:                                               12,
		`sse_delivered_bytes_total{path="live"}`:                                            380,
		`sse_delivered_bytes_total{path="replay"}`:                                          120,
		`sse_gaps_total{cause="damaged",topic_class="orders"}`:                              1,
		`sse_gaps_total{cause="early",topic_class="other"}`:                                 1,
		`sse_gaps_total{cause="expired",topic_class="other"}`:                               0,
		`sse_log_events{tier="memory"}`:                                                     90,
		`sse_log_events{tier="store"}`:                                                      900,
		`sse_log_bytes{tier="memory"}`:                                                      800,
		`sse_log_bytes{tier="store"}`:                                                       9000,
		`sse_topics{tier="memory"}`:                                                         2,
		`sse_topics{tier="store"}`:                                                          7,
		`sse_publishes_total{outcome="accepted",topic_class="orders"}`:                      1,
		`sse_publishes_total{outcome="accepted",topic_class="other"}`:                       0,
		`sse_publishes_total{outcome="duplicate",topic_class="other"}`:                      1,
		`sse_rejects_total{reason="address_limit"}`:                                         1,
		`sse_rejects_total{reason="invalid"}`:                                               2,
		`sse_disconnects_total{reason="write_timeout",release="blue"}`:                      1,
		`sse_telemetry_dropped_total{reason="stdout_full",signal="logs"}`:                   12,
		`sse_telemetry_dropped_total{reason="queue_full",signal="traces"}`:                  3,
		`sse_telemetry_queue_depth{signal="logs"}`:                                          11,
		`sse_telemetry_queue_depth{signal="traces"}`:                                        12,
		`sse_replayed_events_total{tier="memory"}`:                                          5,
		`sse_replayed_events_total{tier="store"}`:                                           7,
		`sse_replay_queue{tier="store"}`:                                                    2,
		`sse_reads_saved_total{layer="page_cache"}`:                                         8,
		`sse_reads_saved_total{layer="single_flight"}`:                                      9,
		`sse_reads_saved_total{layer="unknown_topic"}`:                                      10,
		`sse_behind_connections{topic_class="orders"}`:                                      2,
		`sse_behind_bytes{topic_class="orders"}`:                                            77,
		`sse_behind_bytes{topic_class="other"}`:                                             0,
		`sse_resume_headroom_seconds{topic_class="orders"}`:                                 3600,
		`sse_write_stalls_total{}`:                                                          6,
		`sse_store_disk_bytes{part="tables"}`:                                               3000,
		`sse_store_disk_bytes{part="log"}`:                                                  400,
		`sse_store_written_bytes_total{part="tables"}`:                                      50,
		`sse_store_written_bytes_total{part="log"}`:                                         60,
		`sse_store_disk_free_bytes{}`:                                                       7000,
		`sse_store_disk_reserve_bytes{}`:                                                    800,
		`sse_store_compaction_debt_bytes{}`:                                                 90,
		`sse_store_read_amplification{}`:                                                    5,
		`sse_store_write_stalls_total{}`:                                                    6,
		`sse_store_write_stall_seconds_total{}`:                                             1.5,
		`sse_store_background_errors_total{}`:                                               2,
		`sse_draining{}`:                                                                    1,
		`sse_stress_connections{}`:                                                          4,
		`sse_build_info{goversion="` + runtime.Version() + `",release="blue",version="v1"}`: 1,
	} {
		if got, ok := value(t, r, name); !ok || got != want {
			t.Errorf("%s is %v (%v), want %v", name, got, ok, want)
		}
	}
}

// value returns that of a counter or gauge, by its name with sorted labels.
func value(t *testing.T, r *prometheus.Registry, name string) (float64, bool) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			if f.GetName()+"{"+strings.Join(labels, ",")+"}" == name {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue(), true
			}
		}
	}
	return 0, false
}

// What is traced has its trace id as an exemplar; what a client chose never
// becomes a label.
func TestExemplarsAndBoundedLabels(t *testing.T) {
	m, r := newTestMetrics(t)
	trace := []byte("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	m.Sampled(sse.Sample{Path: sse.PathLive, Release: "blue", Latency: time.Millisecond, Traceparent: trace})
	m.FannedOut("orders.x", []sse.Fanout{{Took: time.Millisecond, Traceparent: trace}, {Took: time.Second}})
	m.Answered("/v1/events", "GET", 200, time.Millisecond, "4bf92f3577b34da6a3ce929d0e0e4736")
	m.Answered("", "BREW", 9999, time.Millisecond, "")
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	exemplars := map[string]bool{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if v := l.GetValue(); v == "BREW" || v == "9999" || v == "orders.x" {
					t.Errorf("%s has the label %s=%q", f.GetName(), l.GetName(), v)
				}
			}
			for _, b := range m.GetHistogram().GetBucket() {
				for _, l := range b.GetExemplar().GetLabel() {
					exemplars[f.GetName()] = l.GetName() == "trace_id" && l.GetValue() == "4bf92f3577b34da6a3ce929d0e0e4736"
				}
			}
		}
	}
	for _, name := range []string{"sse_delivery_latency_seconds", "sse_fanout_seconds", "http_request_duration_seconds"} {
		if !exemplars[name] {
			t.Errorf("%s has no exemplar", name)
		}
	}
}

func TestWorst(t *testing.T) {
	live, replay, gap, ahead := eventlog.OutcomeLive, eventlog.OutcomeReplay, eventlog.OutcomeGap, eventlog.OutcomeAhead
	for _, c := range []struct {
		outcomes []eventlog.Outcome
		want     eventlog.Outcome
	}{
		{nil, live},
		{[]eventlog.Outcome{live, replay}, replay},
		{[]eventlog.Outcome{gap, live, replay}, gap},
		{[]eventlog.Outcome{gap, ahead, replay}, ahead},
	} {
		if got := worst(c.outcomes); got != c.want {
			t.Errorf("worst of %v is %s", c.outcomes, got)
		}
	}
}

func TestCPUQuota(t *testing.T) {
	cores := float64(runtime.NumCPU())
	for _, c := range []struct {
		files map[string]string
		want  float64
	}{
		{nil, cores},
		{map[string]string{"/sys/fs/cgroup/cpu.max": "max 100000\n"}, cores},
		{map[string]string{"/sys/fs/cgroup/cpu.max": "50000 100000\n"}, .5},
		{map[string]string{"/sys/fs/cgroup/cpu.max": "nonsense"}, cores},
		{map[string]string{"/sys/fs/cgroup/cpu.max": "999900000 100000\n"}, cores},
		{map[string]string{"/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "25000\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, .25},
		{map[string]string{"/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n", "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n"}, cores},
	} {
		got := cpuQuota(func(name string) ([]byte, error) {
			text, ok := c.files[name]
			if !ok {
				return nil, &fs.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
			}
			return []byte(text), nil
		})
		if got != c.want {
			t.Errorf("%v: %v cores, want %v", c.files, got, c.want)
		}
	}
}

// Only what a store fails at counts as its error.
func TestObservedStore(t *testing.T) {
	m, r := newTestMetrics(t)
	store := m.Observed(eventlog.Memory(eventlog.MemoryOptions{}))
	log, err := eventlog.Open(store, eventlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if _, err := log.Append(t.Context(), "orders", eventlog.TextEntry("", "1")); err != nil {
		t.Fatal(err)
	}
	pair := []eventlog.Entry{eventlog.TextEntry("", "2"), eventlog.TextEntry("", "3")}
	log.AppendAll(t.Context(), "orders", pair)
	failing := m.Observed(failingStore{})
	for _, err := range []error{context.Canceled, eventlog.ErrClosed, eventlog.ErrTooManyTopics, eventlog.ErrKeyReused, eventlog.ErrTopicEnded, &eventlog.ConditionError{}, &eventlog.GapError{},
		eventlog.ErrStoreFailed, context.DeadlineExceeded, errors.New("disk")} {
		ctx := context.WithValue(t.Context(), failure{}, err)
		_ = failing.Read(ctx, "", eventlog.ID{}, eventlog.ID{}, nil)
		failing.Append(ctx, "", pair)
	}
	for operation, want := range map[string]float64{"read": 3, "append_batch": 3, "append": 0} {
		if got, _ := value(t, r, fmt.Sprintf(`sse_store_errors_total{backend="disk",operation=%q}`, operation)); got != want {
			t.Errorf("%v of %s have failed, want %v", got, operation, want)
		}
	}
	if n := observations(t, r, "sse_store_operation_duration_seconds", "append"); n != 1 {
		t.Errorf("%d appends were measured, want 1", n)
	}
	if n := observations(t, r, "sse_store_operation_duration_seconds", "append_batch"); n != 11 {
		t.Errorf("%d appends of batches were measured, want 11", n)
	}
	if n := observations(t, r, "sse_store_operation_duration_seconds", "read"); n != 10 {
		t.Errorf("%d reads were measured, want 10", n)
	}
}

type failure struct{}

type failingStore struct{ eventlog.Store }

func (failingStore) Read(ctx context.Context, _ string, _, _ eventlog.ID, _ func(eventlog.Event) bool) error {
	return ctx.Value(failure{}).(error)
}

// Append fails for the first entry alone.
func (failingStore) Append(ctx context.Context, _ string, entries []eventlog.Entry) []eventlog.Result {
	results := make([]eventlog.Result, len(entries))
	results[0].Err = ctx.Value(failure{}).(error)
	return results
}

func observations(t *testing.T, r *prometheus.Registry, name, operation string) uint64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == name && l.GetValue() == operation {
					return m.GetHistogram().GetSampleCount()
				}
			}
		}
	}
	return 0
}
