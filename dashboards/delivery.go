package main

import "github.com/sluice-stream/sluice/alerts/thresholds"

// delivery is how events get to those who read along.
func delivery() board {
	return board{
		uid: deliveryUID, title: titles[deliveryUID], topics: true, releases: true,
		about:  "How long events take and who holds them up. The first row is what the objective is made of: from an event's append until a write of it was attempted to every live stream that is not stalled.",
		panels: append(fanout(), append(flow(), laggards()...)...),
		logs: logsOf("", "What was published and delivered?",
			"a sample of single publishes and deliveries, with their traces.", "a line's duration_ms and trace_id show where one event was held up; sse_error lines are the hub's own failures.",
			` | json | event_type=~"sse_publish|sse_event|sse_error"`),
	}
}

func fanout() []panel {
	return []panel{
		{kind: heatPanel, wide: 12, high: 8, title: "How long until an event has reached everybody?", unit: "s",
			normal: "a narrow dark band below 50 ms, nothing above 1 s.", act: "a second band higher up is a part of the topics or a part of the time: choose a class of topics above. Points are traces of single events.",
			queries:  buckets("sse_fanout_seconds", `{@,`+ofTopics+`}`),
			runbooks: []string{"DeliverySlow", "DeliveryBudgetBurn"}},
		{kind: graphPanel, wide: 12, high: 8, title: "Is the slowest 1 % of fan-outs in time, in each class?", unit: "s", log: true,
			normal: "below 1 s, the objective, in every class of topics.", act: "above 2 s for 10 min somebody is told. One class: its events are large or its readers many. All: CPU, see Runtime.",
			queries:  quantiles("sse_fanout_seconds", `{@,`+ofTopics+`}`, "topic_class", 0.99),
			limits:   between(thresholds.FanoutSeconds, thresholds.SlowSeconds),
			next:     []string{runtimeUID},
			runbooks: []string{"DeliverySlow", "DeliveryBudgetBurn"}},
		{kind: heatPanel, wide: 12, high: 8, title: "How long until a reader's socket has the event?", unit: "s",
			normal: "like the fan-out, with a thin tail of readers that are slow themselves.", act: "tail only: slow readers, see those that lag below. The whole band: the hub. Points are traces.",
			queries: buckets("sse_delivery_latency_seconds", `{@,path="live",`+ofReleases+`}`)},
		{kind: graphPanel, wide: 12, high: 8, title: "Is a release, or replaying, slower than the other?", unit: "s", log: true,
			normal: "releases lie on one another; replays are older events, so slower by as long as the reader was away.", act: "a release that is slower than the other should not be rolled out further.",
			queries: quantiles("sse_delivery_latency_seconds", `{@,`+ofReleases+`}`, "path release", 0.5, 0.99)},
	}
}

func flow() []panel {
	return []panel{
		{kind: graphPanel, wide: 8, high: 7, title: "What becomes of publishes?", unit: "ops", stacked: true,
			normal: "accepted, some duplicates where publishers try again.", act: "refused: Admission. failed: Resume and storage. invalid: a publisher sends what can't be taken, ask its owner.",
			queries:  []query{{expr: `sum by (outcome) (rate(sse_publishes_total{@,` + ofTopics + `}[$__rate_interval]))`, legend: "{{outcome}}"}},
			next:     []string{admissionUID, resumeUID},
			runbooks: []string{"PublishSuccessLow"}},
		{kind: graphPanel, wide: 8, high: 7, title: "How many events are delivered?", unit: "ops", stacked: true,
			normal: "publishes times readers; replays after reconnects.", act: "replays for long: clients reconnect in a loop, see Connections.",
			queries: []query{{expr: `sum by (path) (rate(sse_deliveries_total{@}[$__rate_interval]))`, legend: "{{path}}"}},
			next:    []string{connectionsUID}},
		{kind: graphPanel, wide: 8, high: 7, title: "How many bytes leave the hub?", unit: "Bps", stacked: true,
			normal: "well below what the network takes.", act: "near the network's limit readers lag whatever the hub does: more hubs, smaller events, fewer topics a stream.",
			queries: []query{{expr: `sum by (path) (rate(sse_delivered_bytes_total{@}[$__rate_interval]))`, legend: "{{path}}"}}},
		{kind: graphPanel, wide: 12, high: 7, title: "How long does a publisher wait?", unit: "s", log: true,
			normal: "some milliseconds: the store's sync to disk.", act: "it follows the store: see Resume and storage. Points are traces of publishes.",
			queries: quantiles("sse_publish_duration_seconds", `{@}`, "", 0.5, 0.99),
			next:    []string{resumeUID}},
		{kind: graphPanel, wide: 12, high: 7, title: "How large are the events?", unit: "bytes", log: true,
			normal: "steady; 256 KiB is the most that is accepted unless set otherwise.", act: "a jump is a publisher that changed; large events cost every reader.",
			queries: quantiles("sse_event_bytes", `{@}`, "", 0.5, 0.99)},
		{kind: graphPanel, wide: 24, high: 6, title: "How long is the prober's way through the edge and back?", unit: "s", log: true,
			normal: "a little more than a publish and a fan-out together.", act: "slow here and fast above: the edge or the network before it. Failures are on the Overview.",
			queries:  quantiles("sse_probe_latency_seconds", `{@}`, "target", 0.5, 0.99),
			next:     []string{overviewUID, edgeUID},
			runbooks: []string{"ProbesFailing", "ProxyBuffering"}},
	}
}

func laggards() []panel {
	return []panel{
		{kind: graphPanel, wide: 8, high: 7, title: "How many readers lag by a second or more?", unit: "short",
			normal: "a handful, and not always the same.", act: "a tenth of all and more than 5 is too many: if CPU is at its limit it is the hub, else their network. GET /v1/connections on the admin address names them.",
			queries:  []query{{expr: `sum by (topic_class) (sse_behind_connections{@,` + ofTopics + `})`, legend: "{{topic_class}}"}},
			limits:   above(thresholds.BehindConnections),
			next:     []string{connectionsUID, runtimeUID},
			runbooks: []string{"ReadersBehind"}},
		{kind: graphPanel, wide: 8, high: 7, title: "How many bytes has the furthest behind not been sent?", unit: "bytes",
			normal: "kilobytes, for moments.", act: "what grows without end is one reader that does not read; the write time-out ends it.",
			queries:  []query{{expr: `max by (topic_class) (sse_behind_bytes{@,` + ofTopics + `})`, legend: "{{topic_class}}"}},
			runbooks: []string{"ReadersBehind", "ReadersLetGo"}},
		{kind: graphPanel, wide: 8, high: 7, title: "How often is a socket full?", unit: "ops",
			normal: "rarely, in bursts of large replays.", act: "steadily: readers or the network are slower than the events. Nothing is lost by it; they lag.",
			queries: []query{{expr: `sum by (instance) (rate(sse_write_stalls_total{@}[$__rate_interval]))`, legend: "{{instance}}"}}},
	}
}
