package main

import "github.com/sluice-stream/sluice/alerts/thresholds"

// runtimeAndTelemetry is what the processes need, and whether what is told of
// them can be believed.
func runtimeAndTelemetry() board {
	return board{
		uid: runtimeUID, title: titles[runtimeUID], edges: true,
		about:  "What the processes use of what they may, and whether the telemetry itself is whole: figures from a broken path look like calm.",
		panels: append(resources(), telemetry()...),
		logs: logsOf("", "What did it say of itself?",
			"a start, and changes that somebody made.", "telemetry lines tell of backends that do not take logs or spans, and when they do again.",
			` | json | event_type=~"start|stop|telemetry|tls|access|drain"`),
	}
}

func resources() []panel {
	return []panel{
		{kind: graphPanel, wide: 8, high: 7, title: "How much of its CPU does a hub use?", unit: "percentunit",
			normal: "below 90 % of its quota.", act: "at the quota latency rises for all: shed load, raise the quota, add a hub. The runbook captures a profile first.",
			queries:  []query{{expr: `sum by (instance) (rate(process_cpu_seconds_total{@}[$__rate_interval])) / sum by (instance) (sse_cpu_quota_cores{@})`, legend: "{{instance}}"}},
			limits:   above(thresholds.CPURatio),
			runbooks: []string{"CPUNearQuota"}},
		{kind: graphPanel, wide: 8, high: 7, title: "How near is the memory limit?", unit: "percentunit",
			normal: "below 90 % of GOMEMLIMIT; near 0 where none is set.", act: "near it the garbage collector takes the CPU: fewer streams, or a lower --memory-budget.",
			queries:  []query{{expr: `max by (instance) ((go_memory_classes_total_bytes{@} - go_memory_classes_heap_released_bytes{@}) / go_gc_gomemlimit_bytes{@})`, legend: "{{instance}}"}},
			limits:   above(thresholds.MemoryRatio),
			runbooks: []string{"MemoryNearLimit"}},
		{kind: graphPanel, wide: 8, high: 7, title: "Where is the memory?", unit: "bytes",
			normal: "resident a little above live; it grows with streams, some kilobytes each.", act: "live grows with nothing else: take a heap profile, /debug/pprof/heap on the admin address.",
			queries: []query{
				{expr: `sum by (instance) (process_resident_memory_bytes{@})`, legend: "resident {{instance}}"},
				{expr: `sum by (instance) (go_gc_heap_live_bytes{@})`, legend: "live {{instance}}"},
			}},
		{kind: graphPanel, wide: 8, high: 7, title: "Do goroutines wait for a core, or for the collector?", unit: "s", log: true,
			normal: "microseconds; pauses below a millisecond.", act: "milliseconds of waiting mean too few cores for the work: deliveries are late by as much.",
			queries: append(named("waiting", quantiles("go_sched_latencies_seconds", `{@}`, "", 0.99)),
				named("paused", quantiles("go_sched_pauses_total_gc_seconds", `{@}`, "", 0.99))...)},
		{kind: graphPanel, wide: 8, high: 7, title: "How many goroutines are there?", unit: "short",
			normal: "tens, and one for each stream over HTTP/2; those over HTTP/1.1 need none.", act: "growth without streams is a leak: /debug/pprof/goroutine on the admin address, and report it.",
			queries: []query{{expr: `sum by (instance) (go_goroutines{@})`, legend: "{{instance}}"}}},
		{kind: timelinePanel, wide: 8, high: 7, title: "Which parts of the stack answer?", unit: "none",
			normal: "all are up.", act: "what is down says nothing, and its graphs stop: see its runbook. Streams need the hub and the edge only.",
			queries:  []query{{expr: `min by (job) (up)`, legend: "{{job}}"}},
			states:   map[string]state{"0": {"down", red}, "1": {"up", green}},
			runbooks: []string{"HubDown", "EdgeDown", "LokiDown", "JaegerDown", "AlertmanagerDown"}},
		{kind: graphPanel, wide: 24, high: 6, title: "How many tables may a read look into, and what failed?", unit: "short",
			normal: "under ten tables, and no failures.", act: "many tables make reads slow; failures of flushes and compactions are in the log of Resume and storage, as damage or a full disk.",
			queries: []query{
				{expr: `max by (instance) (sse_store_read_amplification{@})`, legend: "tables, {{instance}}"},
				{expr: `sum by (instance) (increase(sse_store_background_errors_total{@}[$__rate_interval]))`, legend: "failures, {{instance}}"},
				{expr: `sum by (instance) (increase(sse_store_write_stalls_total{@}[$__rate_interval]))`, legend: "stalls, {{instance}}"},
			}},
	}
}

func telemetry() []panel {
	return []panel{
		{kind: graphPanel, wide: 8, high: 7, title: "Are log lines or spans lost?", unit: "ops",
			normal: "none.", act: "unavailable and queue_full: Loki or Jaeger is away or slow. rejected: it does not take what is sent. Streams never wait for either.",
			queries: []query{
				{expr: `sum by (signal, reason) (rate(sse_telemetry_dropped_total{@}[$__rate_interval]))`, legend: "{{signal}} {{reason}}"},
				{expr: `sum by (signal, reason) (rate(sse_telemetry_dropped_total{#}[$__rate_interval]))`, legend: "edge: {{signal}} {{reason}}"},
			},
			limits:   above(more(thresholds.TelemetryDropRate)),
			runbooks: []string{"TelemetryDropped"}},
		{kind: graphPanel, wide: 8, high: 7, title: "How much telemetry waits to be sent?", unit: "short",
			normal: "goes back to 0 every few seconds.", act: "grows: the backend does not take it, see beside how long.",
			queries: []query{
				{expr: `sum by (instance, signal) (sse_telemetry_queue_depth{@})`, legend: "{{instance}} {{signal}}"},
				{expr: `sum by (instance, signal) (sse_telemetry_queue_depth{#})`, legend: "edge: {{instance}} {{signal}}"},
			},
			runbooks: []string{"TelemetryStuck"}},
		{kind: graphPanel, wide: 8, high: 7, title: "When did a backend last take something?", unit: "s", log: true,
			normal: "seconds ago; minutes where nothing happens.", act: "over 5 min while more waits: Loki or Jaeger does not take it. Not shown at all: it never took anything.",
			queries: []query{
				{expr: `time() - (max by (instance, signal) (sse_telemetry_last_success_timestamp_seconds{@}) > 0)`, legend: "{{instance}} {{signal}}"},
				{expr: `time() - (max by (instance, signal) (sse_telemetry_last_success_timestamp_seconds{#}) > 0)`, legend: "edge: {{instance}} {{signal}}"},
			},
			limits:   above(thresholds.TelemetryStaleSeconds),
			runbooks: []string{"TelemetryStuck"}},
		{kind: graphPanel, wide: 8, high: 7, title: "How long do scrapes take?", unit: "s",
			normal: "a tenth of a second; at 4 s Prometheus gives up and there is a hole.", act: "slow scrapes of a hub mean a hub without CPU, or too many series: see sample_limit in prometheus.yml.",
			queries:  []query{{expr: `max by (job, instance) (scrape_duration_seconds{@})`, legend: "{{job}} {{instance}}"}},
			runbooks: []string{"HubDown"}},
		{kind: graphPanel, wide: 8, high: 7, title: "Are the rules of alerts computed?", unit: "short",
			normal: "no failures.", act: "alerts of a group that fails are silent whatever happens: Prometheus' page Rules shows the error.",
			queries:  []query{{expr: `sum by (rule_group) (increase(prometheus_rule_evaluation_failures_total[$__rate_interval]))`, legend: "{{rule_group}}"}},
			limits:   above(more(0)),
			runbooks: []string{"RuleFailures", "ConfigReloadFailed"}},
		{kind: graphPanel, wide: 8, high: 7, title: "Do alerts leave Prometheus and Alertmanager?", unit: "ops",
			normal: "no failures.", act: "while this is not 0 nobody is told of anything else: open Alertmanager and Prometheus by hand.",
			queries: []query{
				{expr: `sum by (alertmanager) (rate(prometheus_notifications_errors_total[$__rate_interval]))`, legend: "to {{alertmanager}}"},
				{expr: `sum by (integration) (rate(alertmanager_notifications_failed_total[$__rate_interval])) > 0`, legend: "by {{integration}}"},
			},
			limits:   above(more(0)),
			runbooks: []string{"AlertsNotSent", "NotificationsFailing"}},
	}
}

// named puts a word before the legends of queries.
func named(word string, queries []query) []query {
	for i := range queries {
		queries[i].legend = word + " " + queries[i].legend
	}
	return queries
}
