package main

import "github.com/sluice-stream/sluice/alerts/thresholds"

// resumeAndStorage is what those who come back are given, and what it is kept
// in.
func resumeAndStorage() board {
	return board{
		uid: resumeUID, title: titles[resumeUID], topics: true,
		about:  "Whether those who come back are given all that they missed, and whether the store keeps up with it.",
		panels: append(resumes(), storage()...),
		logs: logsOf("", "Who missed something, and what failed?",
			"replays of those who come back; gaps only of clients that were away for long.", "early gaps and sse_error lines of the store are faults: their runbooks say what to save before anything else.",
			` | json | event_type=~"sse_replay|sse_gap|sse_error"`),
	}
}

func resumes() []panel {
	return []panel{
		{kind: graphPanel, wide: 12, high: 8, title: "How long may a client have been away?", unit: "s", log: true,
			normal: "near --retention-age (24 h unless set otherwise) in every class of topics.", act: "below 1 h a laptop that sleeps over lunch misses events: a topic outgrew its limits of events or bytes. Raise them or write less.",
			queries:  []query{{expr: `min by (topic_class) (sse_resume_headroom_seconds{@,` + ofTopics + `})`, legend: "{{topic_class}}"}},
			limits:   below(thresholds.HeadroomSeconds),
			runbooks: []string{"ResumeHeadroomSmall"}},
		{kind: graphPanel, wide: 12, high: 8, title: "Who was told that events are missing, and why?", unit: "short",
			normal: "expired now and then: clients that were away for longer than events are kept.", act: "early is what no limit explains, damaged is a broken record, ahead is a log that lost its end: each is a fault, with a runbook.",
			queries:  []query{{expr: `sum by (cause) (increase(sse_gaps_total{@,` + ofTopics + `}[$__rate_interval]))`, legend: "{{cause}}"}},
			runbooks: []string{"GapsEarly", "GapsDamaged", "LogBehindClients", "ResumeBudgetBurn"}},
		{kind: graphPanel, wide: 8, high: 7, title: "Where are missed events read from?", unit: "ops", stacked: true,
			normal: "mostly memory: clients are back within moments.", act: "much from the store means long absences, or a --memory-budget that is small for the traffic.",
			queries: []query{{expr: `sum by (tier) (rate(sse_replayed_events_total{@}[$__rate_interval]))`, legend: "{{tier}}"}}},
		{kind: graphPanel, wide: 8, high: 7, title: "How long until a client has all that it missed?", unit: "s", log: true,
			normal: "milliseconds from memory, up to seconds from the store.", act: "with a long queue: the store. Without: the clients' own network.",
			queries: quantiles("sse_replay_duration_seconds", `{@}`, "tier", 0.5, 0.99)},
		{kind: graphPanel, wide: 8, high: 7, title: "How many reads wait for the store?", unit: "short",
			normal: "0, a few after a restart.", act: "more than 100 for minutes: the store is slow, or everybody came back at once. Nobody is refused for it; they wait.",
			queries:  []query{{expr: `sum by (instance) (sse_replay_queue{@})`, legend: "{{instance}}"}},
			limits:   above(thresholds.ReplayQueue),
			runbooks: []string{"ReplayQueueLong"}},
	}
}

func storage() []panel {
	return []panel{
		{kind: graphPanel, wide: 12, high: 8, title: "Is the slowest 1 % of the store's operations in time?", unit: "s", log: true,
			normal: "appends take a disk's sync, some milliseconds; reads less.", act: "above 1 s for 10 min: the disk. Look for who else writes to it, and at its health.",
			queries:  quantiles("sse_store_operation_duration_seconds", `{@}`, "backend operation", 0.99),
			limits:   above(thresholds.StoreOperationSeconds),
			runbooks: []string{"StoreSlow"}},
		{kind: heatPanel, wide: 12, high: 8, title: "How long do appends take?", unit: "s",
			normal: "one band.", act: "two bands are a disk that now and then does something else, such as trimming or snapshots.",
			queries:  buckets("sse_store_operation_duration_seconds", `{@,operation=~"append|append_batch"}`),
			runbooks: []string{"StoreSlow"}},
		{kind: graphPanel, wide: 8, high: 7, title: "Does the store fail?", unit: "ops",
			normal: "never.", act: "the log below says how: no space, no permission, a damaged file. After three publishes in a row the breaker opens.",
			queries:  []query{{expr: `sum by (backend, operation) (rate(sse_store_errors_total{@}[$__rate_interval]))`, legend: "{{backend}} {{operation}}"}},
			limits:   above(more(thresholds.StoreErrorRate)),
			next:     []string{admissionUID},
			runbooks: []string{"StoreErrors"}},
		{kind: graphPanel, wide: 8, high: 7, title: "How many bytes are kept?", unit: "bytes", log: true,
			normal: "memory up to --memory-budget, the store up to its limits.", act: "the store may have --retention-total-bytes: see to it that the disk has them.",
			queries: []query{{expr: `sum by (tier) (sse_log_bytes{@})`, legend: "{{tier}}"}}},
		{kind: graphPanel, wide: 8, high: 7, title: "How many events and topics are kept?", unit: "short", log: true,
			normal: "grows to what retention allows, then stays.", act: "topics that only grow are named by something that changes, such as an id: --max-topics ends it with refusals.",
			queries: []query{
				{expr: `sum by (tier) (sse_log_events{@})`, legend: "events, {{tier}}"},
				{expr: `sum by (tier) (sse_topics{@})`, legend: "topics, {{tier}}"},
			}},
		{kind: graphPanel, wide: 12, high: 7, title: "How full is the disk, and how much of it is to be put in order?", unit: "bytes", log: true,
			normal: "the store's files up to some times --retention-total-bytes, and free well above the reserve.", act: "free below five reserves: make room. Below one, publishes are refused until there is. A debt that only grows ends in publishes that wait.",
			queries: []query{
				{expr: `sum by (part) (sse_store_disk_bytes{@})`, legend: "{{part}}"},
				{expr: `min by (instance) (sse_store_disk_free_bytes{@})`, legend: "free, {{instance}}"},
				{expr: `max by (instance) (sse_store_disk_reserve_bytes{@})`, legend: "reserve, {{instance}}"},
				{expr: `sum by (instance) (sse_store_compaction_debt_bytes{@})`, legend: "debt, {{instance}}"},
				{expr: `sum by (part) (rate(sse_store_written_bytes_total{@}[$__rate_interval]))`, legend: "written a second, {{part}}"},
			},
			runbooks: []string{"StoreDiskNearFull", "StoreStalled"}},
		{kind: graphPanel, wide: 12, high: 7, title: "Do publishes wait for the store?", unit: "percentunit",
			normal: "0.", act: "for minutes: more is written than the disk puts in order. The panel before says how far it is behind.",
			queries:  []query{{expr: `sum by (instance) (rate(sse_store_write_stall_seconds_total{@}[$__rate_interval]))`, legend: "{{instance}}"}},
			limits:   above(thresholds.StalledRatio),
			runbooks: []string{"StoreStalled"}},
		{kind: graphPanel, wide: 24, high: 6, title: "How many reads is the store spared?", unit: "ops", stacked: true,
			normal: "many, when many come back at once: they share pages.", act: "unknown_topic in numbers: clients ask for topics that do not exist.",
			queries: []query{{expr: `sum by (layer) (rate(sse_reads_saved_total{@}[$__rate_interval]))`, legend: "{{layer}}"}}},
	}
}

// more is just above a limit of which even the least excess is bad: Grafana
// colours a value that is equal to its limit.
func more(limit float64) float64 { return limit + 1e-9 }
