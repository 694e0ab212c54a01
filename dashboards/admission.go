package main

import "github.com/sluice-stream/sluice/alerts/thresholds"

// admission is who is let in, and who is refused.
func admission() board {
	return board{
		uid: admissionUID, title: titles[admissionUID], topics: true,
		about:  "Who is refused, by which limit, and whether the circuit breaker protects the store. Refusals count against the objectives: they are ours, not the callers'.",
		panels: append(refusals(), answers()...),
		logs: logsOf("", "Who was refused?",
			"requests in a sample, each change of the breaker, each drain.", "problem names the limit, remote the caller; trace_id leads to the request's trace.",
			` | json | event_type=~"breaker|drain|http_request|sse_publish|sse_error" | event_type=~"breaker|drain|sse_error" or http_status>=400`),
	}
}

func refusals() []panel {
	return []panel{
		{kind: timelinePanel, wide: 12, high: 5, title: "Is the circuit breaker open?", unit: "none",
			normal: "closed.", act: "open: three publishes in a row failed by the store's fault, and the next minute's are refused with 429. Streams are not touched. See the store.",
			queries:  []query{{expr: `max by (instance, breaker) (sse_breaker_state{@})`, legend: "{{instance}} {{breaker}}"}},
			states:   map[string]state{"0": {"closed", green}, "1": {"half-open", orange}, "2": {"open", red}},
			next:     []string{resumeUID},
			runbooks: []string{"BreakerOpen", "StoreErrors"}},
		{kind: timelinePanel, wide: 12, high: 5, title: "Does a hub drain?", unit: "none",
			normal: "serves; when it is ended in order it says so before the drain for --shutdown-delay; without, no scrape may see a short one.", act: "a drain that nobody ordered: who sends it SIGTERM? Out of memory is a kill, not a drain.",
			queries:  []query{{expr: `max by (instance) (sse_draining{@})`, legend: "{{instance}}"}},
			states:   map[string]state{"0": {"serves", green}, "1": {"drains", blue}},
			runbooks: []string{"HubDraining"}},
		{kind: graphPanel, wide: 12, high: 8, title: "Why are requests turned away?", unit: "ops", stacked: true,
			normal: "some invalid and unauthorized ones: the Internet.", act: "a limit: is it one client in a loop, or has traffic outgrown it? breaker_open: the store. keys_unavailable: the issuer of tokens is away.",
			queries:  []query{{expr: `sum by (reason) (rate(sse_rejects_total{@}[$__rate_interval]))`, legend: "{{reason}}"}},
			runbooks: []string{"StreamsRefused", "KeysUnavailable"}},
		{kind: graphPanel, wide: 6, high: 8, title: "How many streams do limits refuse?", unit: "ops",
			normal: "none.", act: "address_limit behind a proxy: is it among --trusted-proxies, or, in front of the edge, in its set_real_ip_from? Else all of its clients count as one. connection_limit: more hubs, or a higher ulimit -n.",
			queries:  []query{{expr: `sum by (reason) (rate(sse_rejects_total{@,reason=~"connection_limit|address_limit"}[$__rate_interval]))`, legend: "{{reason}}"}},
			limits:   above(thresholds.RefusedStreamsRate),
			runbooks: []string{"StreamsRefused"}},
		{kind: graphPanel, wide: 6, high: 8, title: "Whose publishes are refused?", unit: "ops",
			normal: "nobody's.", act: "all classes: the breaker or a limit of addresses. One class: its publisher is over --publish-rate.",
			queries:  []query{{expr: `sum by (topic_class) (rate(sse_publishes_total{@,outcome="refused",` + ofTopics + `}[$__rate_interval]))`, legend: "{{topic_class}}"}},
			runbooks: []string{"PublishSuccessLow"}},
	}
}

func answers() []panel {
	return []panel{
		{kind: graphPanel, wide: 8, high: 7, title: "What are requests answered?", unit: "ops", stacked: true,
			normal: "2xx; 4xx are the callers'.", act: "429: limits, above. 5xx: the hub or its store; the log below names the request.",
			queries: []query{{expr: `sum by (status) (rate(http_request_duration_seconds_count{@}[$__rate_interval]))`, legend: "{{status}}"}}},
		{kind: graphPanel, wide: 8, high: 7, title: "Which routes fail by our fault?", unit: "ops",
			normal: "none: 5xx are faults of ours.", act: "503 while draining is meant; 504 is a store that hangs; 500 is a fault in the hub: report it with its trace.",
			queries: []query{{expr: `sum by (route, status) (rate(http_request_duration_seconds_count{@,status=~"5.."}[$__rate_interval]))`, legend: "{{route}} {{status}}"}},
			next:    []string{resumeUID, edgeUID}},
		{kind: graphPanel, wide: 8, high: 7, title: "Is the slowest 1 % of each route in time?", unit: "s", log: true,
			normal: "milliseconds.", act: "above 2 s for 10 min somebody is told. Points are traces of single requests.",
			queries:  quantiles("http_request_duration_seconds", `{@,route!~"/debug/.*"}`, "route", 0.99),
			limits:   above(thresholds.SlowSeconds),
			next:     []string{runtimeUID},
			runbooks: []string{"RequestsSlow"}},
		{kind: graphPanel, wide: 12, high: 7, title: "How near is the limit of files and sockets?", unit: "percentunit", max: 1,
			normal: "below 90 %.", act: "each stream is a socket: raise ulimit -n, or add a hub. The hub refuses streams before it runs out.",
			queries:  []query{{expr: `max by (instance) (process_open_fds{@} / process_max_fds{@})`, legend: "{{instance}}"}},
			limits:   above(thresholds.DescriptorsRatio),
			runbooks: []string{"DescriptorsNearLimit"}},
		{kind: graphPanel, wide: 12, high: 7, title: "Is there stress traffic?", unit: "short",
			normal: "0, but during load tests.", act: "objectives leave it out; what it does to CPU and the store they do not.",
			queries:  []query{{expr: `sum by (instance) (sse_stress_connections{@})`, legend: "{{instance}}"}},
			runbooks: []string{"StressTraffic"}},
	}
}
