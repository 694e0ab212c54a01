package main

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
)

// An annotation marks in every graph when something happened. Of a query of
// metrics Grafana makes a mark of each time at which it has a value above 0, and
// one of neighbouring times together; of a query of the log, one of each line.
type annotation struct {
	Name       string                `json:"name"`
	Datasource *common.DataSourceRef `json:"datasource"`
	Enable     bool                  `json:"enable"`
	Hide       bool                  `json:"hide"`
	IconColor  string                `json:"iconColor"`
	Expr       string                `json:"expr"`
	Step       string                `json:"step,omitempty"`
	Title      string                `json:"titleFormat"`
	Text       string                `json:"textFormat"`
	Tags       string                `json:"tagKeys"`
	// AtValue takes the query's value, in milliseconds, for the time.
	AtValue bool              `json:"useValueForTime"`
	Target  map[string]string `json:"target"`
}

// annotations are what changed lately, the same in all dashboards.
func annotations() []annotation {
	all := []annotation{
		{Name: "Started", IconColor: blue, Title: "{{job}} {{instance}} started", AtValue: true,
			Expr: `process_start_time_seconds{@} * 1000`},
		{Name: "Other version", IconColor: "purple", Title: "{{instance}} runs {{version}}", Text: "release {{release}}, {{goversion}}",
			Expr: `sse_build_info{@} unless sse_build_info{@} offset 1m`},
		// Without --shutdown-delay a drain of few streams takes milliseconds, and
		// no scrape sees sse_draining.
		{Name: "Drain", IconColor: orange, Title: "A hub drains", Datasource: logLines(),
			Expr: `{service_name="hub"} | json | event_type="drain"`},
		{Name: "Load test", IconColor: "yellow", Title: "Load test {{scenario}}: {{phase}}", Text: "run {{run}}, which ids of its traces begin with", Datasource: logLines(),
			Expr: `{service_name="loadtest"} | json | event_type="loadtest"`},
		{Name: "Breaker", IconColor: red, Title: "Breaker {{breaker}}: {{to}}", Text: "{{instance}}",
			Expr: `increase(sse_breaker_transitions_total{@}[1m]) > 0`},
	}
	for i := range all {
		a := &all[i]
		a.Enable = true
		if a.Datasource == nil {
			a.Datasource, a.Step, a.Tags = metrics(), "15s", "instance"
		}
		a.Expr = strings.ReplaceAll(a.Expr, "{@", chosen)
		a.Target = map[string]string{"refId": "Anno", "expr": a.Expr}
		if a.Step != "" {
			a.Target["interval"] = a.Step
		}
	}
	return all
}
