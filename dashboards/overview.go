package main

import "github.com/sluice-stream/sluice/alerts/thresholds"

// overview is where an alert leads: whether all is well, and if not, where to
// look on.
func overview() board {
	return board{
		uid: overviewUID, title: titles[overviewUID],
		about: "Is it well? From top to bottom: what fires, what is left of the objectives, traffic, errors, latency, fullness, and what changed lately (marks in every graph). Where something is wrong, the links of that panel lead to the dashboard with more.",
		panels: []panel{
			{kind: statPanel, wide: 5, high: 5, title: "How many alerts want somebody?", unit: "none",
				normal: "none.", act: "read the table of alerts below, the gravest first; each row leads to its runbook.",
				queries: []query{{expr: `count(ALERTS{alertstate="firing",severity=~"warning|critical"}) or vector(0)`, legend: "alerts"}},
				limits:  above(1)},
			{kind: statPanel, wide: 5, high: 5, title: "Do all hubs and probers answer?", unit: "percentunit",
				normal: "100 %.", act: "an instance is down or cannot be scraped: see HubDown. Streams of the others go on.",
				queries:  []query{{expr: `avg(up{@})`, legend: "up"}},
				limits:   below(1),
				runbooks: []string{"HubDown", "ProberDown"}},
			{kind: barsPanel, wide: 14, high: 5, title: "What is left of each error budget?", unit: "percentunit", max: 1,
				normal: "more than is used up of the last three days; 100 % where nothing failed. Of classes of topics only the three are shown that have least left.", act: "at 0 the objective is missed: stop what is risky (releases, drains) until it is back, and see which of the graphs below went with it.",
				queries: []query{
					{expr: `objective:sse_budget_left:ratio_rate3d{job=~"$job",topic_class=""}`, legend: "{{objective}}"},
					{expr: `bottomk(3, objective:sse_budget_left:ratio_rate3d{job=~"$job",topic_class!=""} < 1)`, legend: "{{objective}}: {{topic_class}}"},
				},
				limits:   below(leastBudget),
				next:     []string{deliveryUID, connectionsUID, resumeUID, admissionUID},
				runbooks: []string{"DeliveryBudgetBurn", "PublishBudgetBurn", "ConnectBudgetBurn", "ResumeBudgetBurn", "ProbeBudgetBurn"}},
			{kind: tablePanel, wide: 12, high: 7, title: "Which alerts fire, and who is told?", unit: "none",
				normal: "no rows. Those of severity info tell of something expected, such as a drain.", act: "click on the name of the alert for its runbook. L1 heals itself, L2 wants somebody to look, L3 wants everybody.",
				queries: []query{{expr: `ALERTS{alertstate="firing",alertname!="Watchdog"}`}},
				labels:  map[string]string{"alertname": "Alert", "severity": "Severity", "tier": "Tier", "instance": "Instance", "objective": "Objective", "topic_class": "Topics"}},
			{kind: graphPanel, wide: 12, high: 7, title: "How fast do the error budgets burn?", unit: "none",
				normal: "below 1: at 1 a budget lasts just three days. A class of topics is shown while its own burns faster than that.", act: "above 14.4 it is gone within hours: act now. Above 1 look today. The objective's name says where.",
				queries: []query{
					{expr: `objective:sse_errors:ratio_rate1h{job=~"$job",topic_class=""} / (1 - objective:sse_target:ratio{job=~"$job",topic_class=""})`, legend: "{{objective}}, over 1 h"},
					{expr: `objective:sse_errors:ratio_rate1h{job=~"$job",topic_class!=""} / (1 - objective:sse_target:ratio{job=~"$job",topic_class!=""}) > 1`, legend: "{{objective}}: {{topic_class}}, over 1 h"},
				},
				limits:   []limit{{thresholds.BurnAll, "yellow"}, {thresholds.BurnDay, orange}, {thresholds.BurnSixHour, "dark-orange"}, {thresholds.BurnHour, red}},
				runbooks: []string{"DeliveryBudgetBurn", "PublishBudgetBurn", "ConnectBudgetBurn", "ResumeBudgetBurn", "ProbeBudgetBurn"}},
			traffic(),
			failures(),
			latency(),
			saturation(),
			openStreams(),
			roundTrips(),
			timeline(),
		},
		logs: logsOf(`level=~"warn|error"`, "What did the hub warn of?",
			"few lines, each explained by something that was done.", "open a line; trace_id leads to its trace. Lines of one kind in numbers name the cause of what the graphs show.", ``),
	}
}

// leastBudget is where nothing of a budget is left, but for rounding.
const leastBudget = 0.0001

func traffic() panel {
	return panel{kind: graphPanel, wide: 12, high: 7, title: "Traffic: how many events come in, and go out?", unit: "ops", log: true,
		normal: "like the same hour of other days; each event goes out once for each of its readers.", act: "no events: ask the publishers. Events but no deliveries while streams are open: see Delivery.",
		queries: []query{
			{expr: `sum(rate(sse_publishes_total{@,outcome="accepted"}[$__rate_interval]))`, legend: "published"},
			{expr: `sum(rate(sse_deliveries_total{@}[$__rate_interval]))`, legend: "delivered"},
			{expr: `sum(rate(sse_connects_total{@}[$__rate_interval]))`, legend: "streams opened"},
		},
		next: []string{deliveryUID, connectionsUID}}
}

func failures() panel {
	return panel{kind: graphPanel, wide: 12, high: 7, title: "Errors: what part of publishes succeeds?", unit: "percentunit", max: 1, floor: 0.98,
		normal: "all of them, in each class of topics: what is the caller's own fault does not count.", act: "refused means a limit or an open breaker (see Admission), failed means the store (see Resume and storage).",
		queries: []query{
			{expr: `1 - sum by (topic_class) (rate(sse_publishes_total{@,outcome=~"failed|refused",topic_class!="stress"}[$__rate_interval])) / clamp_min(sum by (topic_class) (rate(sse_publishes_total{@,outcome!="invalid",topic_class!="stress"}[$__rate_interval])), 1e-9)`, legend: "{{topic_class}}"},
		},
		limits:   below(thresholds.PublishSuccessRatio),
		next:     []string{admissionUID, resumeUID},
		runbooks: []string{"PublishSuccessLow"}}
}

func latency() panel {
	return panel{kind: graphPanel, wide: 12, high: 7, title: "Latency: how long until an event has reached everybody?", unit: "s", log: true,
		normal: "milliseconds; the slowest 1 % below 1 s, which is the objective.", act: "see Delivery. A point is the trace of one event: it says whether the store, the fan-out or a reader took the time.",
		queries:  quantiles("sse_fanout_seconds", `{@,topic_class!="stress"}`, "", 0.5, 0.99),
		limits:   between(thresholds.FanoutSeconds, thresholds.SlowSeconds),
		next:     []string{deliveryUID},
		runbooks: []string{"DeliverySlow", "DeliveryBudgetBurn"}}
}

func saturation() panel {
	return panel{kind: graphPanel, wide: 12, high: 7, title: "Saturation: how full is what is limited?", unit: "percentunit",
		normal: "well below 90 % of every limit.", act: "see Runtime and telemetry for which, and its runbook. Sockets are files: their limit is ulimit -n.",
		queries: []query{
			{expr: `sum by (instance) (rate(process_cpu_seconds_total{@}[$__rate_interval])) / sum by (instance) (sse_cpu_quota_cores{@})`, legend: "CPU {{instance}}"},
			{expr: `max by (instance) ((go_memory_classes_total_bytes{@} - go_memory_classes_heap_released_bytes{@}) / go_gc_gomemlimit_bytes{@})`, legend: "memory {{instance}}"},
			{expr: `max by (instance) (process_open_fds{@} / process_max_fds{@})`, legend: "files and sockets {{instance}}"},
		},
		limits:   above(thresholds.CPURatio),
		next:     []string{runtimeUID},
		runbooks: []string{"CPUNearQuota", "MemoryNearLimit", "DescriptorsNearLimit"}}
}

func openStreams() panel {
	return panel{kind: graphPanel, wide: 12, high: 7, title: "How many streams are open, and how many lag?", unit: "short", log: true,
		normal: "open streams change slowly; few of them lag by a second or more.", act: "a cliff is a hub, the edge or a network that is gone. Many that lag: see Delivery for whether it is they or the hub.",
		queries: []query{
			{expr: `sum(sse_connections{@})`, legend: "open"},
			{expr: `sum(sse_behind_connections{@,topic_class!="stress"})`, legend: "lagging"},
		},
		next:     []string{connectionsUID, deliveryUID},
		runbooks: []string{"ReadersBehind"}}
}

func roundTrips() panel {
	return panel{kind: graphPanel, wide: 12, high: 7, title: "Does an event come back to the prober through the edge?", unit: "percentunit", max: 1,
		normal: "no failures in any class of topics.", act: "all classes fail: the edge or the hub. One: its topics. Reason buffering: a proxy holds streams back.",
		queries: []query{{
			expr:   `sum by (target, reason) (rate(sse_probe_failures_total{@}[$__rate_interval])) / on (target) group_left clamp_min(sum by (target) (rate(sse_probe_failures_total{@}[$__rate_interval])) + sum by (target) (rate(sse_probe_latency_seconds_count{@}[$__rate_interval])), 1e-9)`,
			legend: "{{target}}: {{reason}}",
		}},
		limits:   above(thresholds.ProbeFailureRatio),
		next:     []string{admissionUID, edgeUID},
		runbooks: []string{"ProbesFailing", "EdgeDown", "ProxyBuffering"}}
}

func timeline() panel {
	return panel{kind: timelinePanel, wide: 24, high: 5, title: "What changed lately?", unit: "none",
		normal: "long bars of one colour. Marks above the graphs are starts, other versions, drains and breakers.", act: "what began just before the trouble is its first suspect; see its runbook.",
		queries: []query{
			{expr: `2 * (1 - min by (job, instance) (up{@}))`, legend: "{{job}} {{instance}}"},
			{expr: `max by (instance) (sse_draining{@})`, legend: "{{instance}}: drain"},
			{expr: `max by (breaker, instance) (sse_breaker_state{@})`, legend: "{{instance}}: breaker {{breaker}}"},
		},
		states:   map[string]state{"0": {"well", green}, "1": {"drains, or half-open", orange}, "2": {"down, or open", red}},
		next:     []string{admissionUID, runtimeUID},
		runbooks: []string{"HubRestarting", "HubDraining", "BreakerOpen"}}
}
