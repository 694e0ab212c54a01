package main

import "github.com/sluice-stream/sluice/alerts/thresholds"

// connections is how streams begin, live and end.
func connections() board {
	return board{
		uid: connectionsUID, title: titles[connectionsUID], releases: true,
		about:  "Streams from their beginning to their end: who comes and how fast they are let in, who goes and why, and whether those who stay are well.",
		panels: append(coming(), append(going(), staying()...)...),
		logs: logsOf("", "Who came and who went?",
			"a line for each stream that begins, resumes, misses something or ends.", "filter by connection_id or client_id for the story of one client; reason says why a stream ended.",
			` | json | event_type=~"sse_connect|sse_replay|sse_gap|sse_disconnect" | release=~"$release"`),
	}
}

func coming() []panel {
	return []panel{
		{kind: graphPanel, wide: 8, high: 7, title: "Who is connected?", unit: "short", stacked: true,
			normal: "as many as there are pages and programs open.", act: "a cliff: hub, edge or network. A wave up after it: they come back, spread over the retry time.",
			queries: []query{{expr: `sum by (release, transport) (sse_connections{@,` + ofReleases + `})`, legend: "{{release}} {{transport}}"}},
			next:    []string{edgeUID}},
		{kind: graphPanel, wide: 8, high: 7, title: "What were streams given as they began?", unit: "ops", stacked: true,
			normal: "live for new ones, replay for those that come back.", act: "gap: they were away for longer than is retained. ahead: they know events that the log does not: data were lost. See Resume and storage.",
			queries: []query{{expr: `sum by (outcome) (rate(sse_connects_total{@,` + ofReleases + `}[$__rate_interval]))`, legend: "{{outcome}}"}},
			next:    []string{resumeUID}},
		{kind: graphPanel, wide: 8, high: 7, title: "Is the slowest 1 % let in within 1 s?", unit: "s", log: true,
			normal: "milliseconds.", act: "above 1 s the objective is missed. A replay from a slow store or want of CPU: see Resume and storage, and Runtime.",
			queries:  quantiles("http_request_duration_seconds", `{@,route="/v1/events",method="GET",status="200"}`, "", 0.5, 0.99),
			limits:   between(thresholds.ConnectSeconds, thresholds.SlowSeconds),
			next:     []string{resumeUID, runtimeUID},
			runbooks: []string{"RequestsSlow", "ConnectBudgetBurn"}},
		{kind: heatPanel, wide: 12, high: 8, title: "How long does it take from a request to its stream?", unit: "s",
			normal: "one dark band of milliseconds.", act: "points are traces of single connects: sse.connect with the replay's decision below it.",
			queries:  buckets("http_request_duration_seconds", `{@,route="/v1/events",method="GET",status="200"}`),
			runbooks: []string{"ConnectBudgetBurn"}},
	}
}

func going() []panel {
	return []panel{
		{kind: graphPanel, wide: 12, high: 8, title: "Why do streams end?", unit: "ops", stacked: true,
			normal: "client (they went), drain while a hub is updated, token_expired once a token's life.", act: "write_timeout and pong_timeout are clients that the network or sleep took; memory and error are the hub's fault: see the log below.",
			queries: []query{{expr: `sum by (reason) (rate(sse_disconnects_total{@,` + ofReleases + `}[$__rate_interval]))`, legend: "{{reason}}"}}},
		{kind: graphPanel, wide: 8, high: 7, title: "How many readers are lost to a dead network?", unit: "ops",
			normal: "a few a minute of many thousands.", act: "many at once: a network, a proxy with a short time-out, or a page that does not answer pings.",
			queries:  []query{{expr: `sum by (reason) (rate(sse_disconnects_total{@,reason=~"write_timeout|pong_timeout",` + ofReleases + `}[$__rate_interval]))`, legend: "{{reason}}"}},
			limits:   above(thresholds.LostReadersRate),
			runbooks: []string{"ReadersLetGo", "PongsMissing"}},
		{kind: graphPanel, wide: 8, high: 7, title: "How old are streams when they end?", unit: "s", log: true,
			normal: "minutes to hours.", act: "all of one age, such as 60 s: a proxy's time-out. Seconds: clients that reconnect in a loop.",
			queries: quantiles("sse_connection_age_seconds", `{@}`, "", 0.1, 0.5, 0.9)},
		{kind: graphPanel, wide: 8, high: 7, title: "How many streams are unwell?", unit: "short", stacked: true,
			normal: "none are streams without two-way heartbeat, healthy ones answer pings; few are degraded.", act: "degraded ones missed a ping and end at the next: compare with round trips below.",
			queries: []query{{expr: `sum by (health) (sse_connections{@,` + ofReleases + `})`, legend: "{{health}}"}}},
	}
}

func staying() []panel {
	return []panel{
		{kind: heatPanel, wide: 12, high: 7, title: "How long do pings take?", unit: "s",
			normal: "the network's round trip, below 500 ms.", act: "at 3 s a pong is late. A band that rises for all is the hub or the edge, for some their network.",
			queries: buckets("sse_ping_rtt_seconds", `{@}`)},
		{kind: graphPanel, wide: 6, high: 7, title: "How many pings go unanswered?", unit: "ops",
			normal: "some: laptops sleep.", act: "with rising round trips: the network. Without: a client that does not answer, named by client_id in the log.",
			queries:  []query{{expr: `sum by (instance) (rate(sse_pings_missed_total{@}[$__rate_interval]))`, legend: "{{instance}}"}},
			runbooks: []string{"PongsMissing"}},
		{kind: graphPanel, wide: 6, high: 7, title: "How well do callers stand, by their health score?", unit: "none", max: 100,
			normal: "the worst tenth above 80 of 100.", act: "the score is of round trips, TLS handshakes and the part of streams that lag: the panels for these say which.",
			queries: quantiles("sse_health_score", `{@}`, "", 0.1, 0.5)},
		{kind: graphPanel, wide: 24, high: 6, title: "What became of events that streams were to have and did not get?", unit: "ops",
			normal: "left where clients go while something is on its way, told where they were away for too long; lost is 0, always.", act: "lost: a fault of the hub, clients miss events and do not know. told: Resume and storage says why. GET /v1/accounting on the admin address has the sums.",
			queries:  []query{{expr: `sum by (outcome) (rate(sse_account_events_total{@,outcome!="delivered"}[$__rate_interval]))`, legend: "{{outcome}}"}},
			next:     []string{resumeUID},
			runbooks: []string{"EventsLost"}},
	}
}
