package main

import "github.com/sluice-stream/sluice/alerts/thresholds"

// edge is how nginx sees the same traffic: what it answers, how long that takes,
// and what it is short of.
func edge() board {
	return board{
		uid: edgeUID, title: titles[edgeUID], edges: true, writer: "edge",
		about:  "Requests as nginx sees them, whether a hub answers or not, and what nginx itself has left. Where a figure here is bad and the hub's own is well, it is the edge or what is between them.",
		panels: append(seen(), append(room(), toHubs()...)...),
		logs: linesOf("edge", "", "What did the edge write?",
			"a line for each request that came to nothing special.", "level error has what the edge answered with 5xx; trace_id leads to the request's trace, upstream to the hub that was asked.", ``),
	}
}

// published is a query that others have in their own pages and scripts: it is
// shown as it stands, with a window of its own.
const published = `rate(http_request_duration_seconds_count{job="api-gateway",status=~"5.."}[5m])`

// Requests that fail at the edge, and those of them that a hub failed: on what
// the edge passes on.
const (
	failed       = `sum(rate(http_request_duration_seconds_count{#}[$__rate_interval])) - sum(rate(http_request_duration_seconds_count{#,status!~"5.."}[$__rate_interval]))`
	failedAtHubs = `(sum(rate(http_request_duration_seconds_count{@,route=~"/|/v1/events|/v1/topics/:topic/events|/v1/connections/:id/pong",status=~"5.."}[$__rate_interval])) or vector(0))`
	ofAll        = ` / clamp_min(sum(rate(http_request_duration_seconds_count{#}[$__rate_interval])), 1e-9)`
)

// Of those that were served. The time of those that failed is that of a limit.
const served = `{#,status!~"5.."}`

func seen() []panel {
	return []panel{
		{kind: graphPanel, wide: 8, high: 7, title: "What is asked of the edge?", unit: "ops", stacked: true,
			normal: "like the same hour of other days.", act: "more of /v1/events than usual: streams break and come back. Much of other: somebody looks around.",
			queries:  []query{{expr: `sum by (route) (rate(http_request_duration_seconds_count{#}[$__rate_interval]))`, legend: "{{route}}"}},
			next:     []string{connectionsUID},
			runbooks: []string{"EdgeDown", "EdgeUnseen"}},
		{kind: graphPanel, wide: 8, high: 7, title: "What part of the requests fails?", unit: "percentunit",
			normal: "none.", act: "at the edge alone: nginx, or its way to the hubs, below. In all, and not at the edge alone: the hubs, see Admission.",
			queries: []query{
				{expr: `(` + failed + `)` + ofAll, legend: "in all"},
				{expr: `clamp_min(` + failed + ` - ` + failedAtHubs + `, 0)` + ofAll, legend: "at the edge alone"},
			},
			limits:   above(thresholds.EdgeErrorRatio),
			next:     []string{admissionUID},
			runbooks: []string{"EdgeErrors"}},
		{kind: graphPanel, wide: 8, high: 7, title: "Which requests failed, over five minutes?", unit: "ops",
			normal: "none. A stream that cannot be had is answered 200 with an event that says so, and counts here as what it is: 502, 503 or 504.", act: "502: no hub took it. 503: a hub that ends, or has no room. 504: a hub that hangs. Of one release only: take it back.",
			queries:  []query{{expr: published, legend: "{{method}} {{route}} {{status}} {{release}}"}},
			runbooks: []string{"EdgeErrors"}},
		{kind: graphPanel, wide: 12, high: 8, title: "Is each route in time at the edge?", unit: "s", log: true,
			normal: "milliseconds; of a stream it is the time until its head is out.", act: "above 2 s for 10 min somebody is told. Compare with beside: is it the edge's own time, or the hub's?",
			queries:  quantiles("http_request_duration_seconds", served, "route", 0.5, 0.99),
			limits:   above(thresholds.SlowSeconds),
			runbooks: []string{"EdgeSlow", "RequestsSlow"}},
		{kind: graphPanel, wide: 12, high: 8, title: "What part of the slowest 1 % is the edge's own?", unit: "percentunit", max: 1,
			normal: "anything while both are milliseconds.", act: "near 100 % and slow: the edge lacks CPU, or the hub is far. Of publishes, senders that are slow themselves: the hub is asked once all of an event is here. Near 0 % and slow: the hub.",
			queries: []query{{
				expr: `clamp_min(1 - histogram_quantile(0.99, sum by (le, route) (rate(http_request_duration_seconds_bucket{@}[$__rate_interval]))) / ` +
					`histogram_quantile(0.99, sum by (le, route) (rate(http_request_duration_seconds_bucket` + served + `[$__rate_interval]))), 0)`,
				legend: "{{route}}"}},
			next:     []string{admissionUID},
			runbooks: []string{"EdgeSlow", "RequestsSlow"}},
	}
}

func room() []panel {
	return []panel{
		{kind: graphPanel, wide: 8, high: 7, title: "How full is the edge?", unit: "percentunit", max: 1,
			normal: "well below 90 % of what it has room for.", act: "a stream takes two of a worker's connections and two files. One worker that is full turns clients away while another has room.",
			queries: []query{
				{expr: `max by (instance) (sse_edge_streams{#} / sse_edge_streams_limit{#})`, legend: "streams {{instance}}"},
				{expr: `max by (instance) (sse_edge_worker_connections{#} / sse_edge_worker_connections_limit{#})`, legend: "connections of a worker {{instance}}"},
			},
			limits:   above(thresholds.EdgeFullRatio),
			runbooks: []string{"EdgeFull"}},
		{kind: graphPanel, wide: 8, high: 7, title: "Who is connected to the edge, and what do they do?", unit: "short",
			normal: "writing is streams and answers, waiting is idle connections that are kept.", act: "reading for long: clients that send slowly, or nothing. Streams fall at once: see Connections for whether they come back.",
			queries: []query{
				{expr: `sum by (state) (sse_edge_connections{#})`, legend: "{{state}}"},
				{expr: `sum(sse_edge_streams{#})`, legend: "streams"},
			},
			next: []string{connectionsUID}},
		{kind: graphPanel, wide: 8, high: 7, title: "What does nginx run out of?", unit: "ops",
			normal: "nothing, ever.", act: "connections and refused: worker_connections. files: SLUICE_OPEN_FILES. ports: too many connections to one hub. other: the log below.",
			queries: []query{
				{expr: `sum by (fault) (rate(sse_edge_faults_total{#}[$__rate_interval]))`, legend: "{{fault}}"},
				{expr: `sum(rate(sse_edge_connections_refused_total{#}[$__rate_interval]))`, legend: "refused"},
			},
			limits:   above(more(thresholds.EdgeFaultRate)),
			runbooks: []string{"EdgeFull"}},
	}
}

func toHubs() []panel {
	return []panel{
		{kind: graphPanel, wide: 8, high: 7, title: "How long until a hub takes a connection?", unit: "s", log: true,
			normal: "below a millisecond; 0 where one was kept.", act: "milliseconds: the hub or the machine is busy. At 3 s nginx gives up: the hub is gone, or its queue of connections is full.",
			queries: quantiles("sse_edge_upstream_connect_seconds", `{#}`, "", 0.5, 0.99),
			next:    []string{runtimeUID}},
		{kind: graphPanel, wide: 8, high: 7, title: "How does the way to a hub fail?", unit: "ops",
			normal: "not at all, but while a hub starts anew.", act: "connect: no hub listens. closed: it went away in the middle of an answer. timeout: it hangs.",
			queries:  []query{{expr: `sum by (reason) (rate(sse_edge_upstream_failures_total{#}[$__rate_interval]))`, legend: "{{reason}}"}},
			runbooks: []string{"HubDown", "EdgeErrors"}},
		{kind: graphPanel, wide: 8, high: 7, title: "How many workers are there, and do some end?", unit: "short", stacked: true,
			normal: "as many as set; after a reload the old ones end when their streams have.", act: "ending ones for long hold memory and streams of the old configuration: something reloads again and again.",
			queries: []query{{expr: `sum by (state) (sse_edge_workers{#})`, legend: "{{state}}"}}},
		{kind: graphPanel, wide: 12, high: 7, title: "How much of its CPU does nginx use?", unit: "percentunit",
			normal: "well below its quota.", act: "near it all streams get later: raise SLUICE_EDGE_CPUS, and the workers with it. Each is one core at the most.",
			queries: []query{{expr: `sum by (instance) (rate(sse_edge_cpu_seconds_total{#}[$__rate_interval])) / sum by (instance) (sse_cpu_quota_cores{#})`, legend: "{{instance}}"}}},
		{kind: graphPanel, wide: 12, high: 7, title: "How much memory does nginx take?", unit: "bytes",
			normal: "grows with streams, some kilobytes each.", act: "near SLUICE_EDGE_MEMORY the kernel ends it, and all streams: raise that, or add an edge.",
			queries: []query{{expr: `sum by (instance) (sse_edge_resident_bytes{#})`, legend: "{{instance}}"}}},
	}
}
