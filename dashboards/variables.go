package main

import (
	"cmp"
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"github.com/sluice-stream/sluice/observability/catalogue"
)

// chosenJobs are the jobs that can be chosen.
const chosenJobs = catalogue.Hub + "|" + catalogue.Prober

// everything is the value of "All" where a list of all would be long.
const everything = ".+"

// variables are what is chosen at the top of a dashboard.
func (b *board) variables() []dashboard.VariableModel {
	list := []dashboard.VariableModel{
		source("datasource", "Data source", "prometheus"),
		source("logs", "Loki data source", "loki"),
		// Not by what a hub says of itself: one that is gone must not be left out.
		values("job", "Job", `label_values(up{job=~"`+chosenJobs+`"}, job)`, ""),
		values("instance", "Instance", `label_values(up{job=~"$job"}, instance)`, everything),
	}
	if b.edges {
		list = append(list, values("edge", "Edge", `label_values(up{job="`+catalogue.Edge+`"}, instance)`, everything))
	}
	if b.releases {
		list = append(list, values("release", "Release", `label_values(sse_connections`+chosen+`}, release)`, everything))
	}
	if b.topics {
		list = append(list, values("topic_class", "Topics", `label_values(sse_fanout_seconds_count`+chosen+`}, topic_class)`, everything))
	}
	return append(list, levels(cmp.Or(b.writer, "hub")), runbooks())
}

// source chooses a datasource.
func source(name, label, plugin string) dashboard.VariableModel {
	return dashboard.VariableModel{
		Type: dashboard.VariableTypeDatasource, Name: name, Label: &label,
		Query: &dashboard.StringOrMap{String: &plugin}, Refresh: pointer(dashboard.VariableRefreshOnDashboardLoad),
		Current: choice(plugin, plugin), Multi: pointer(false), IncludeAll: pointer(false),
	}
}

// values chooses among those of a label, all at first. The value of "All" may
// be empty for an alternation of them.
func values(name, label, query, whole string) dashboard.VariableModel {
	v := dashboard.VariableModel{
		Type: dashboard.VariableTypeQuery, Name: name, Label: &label, Datasource: metrics(),
		Definition: &query, Query: &dashboard.StringOrMap{Map: map[string]any{"query": query, "refId": name, "qryType": 1}},
		Refresh: pointer(dashboard.VariableRefreshOnTimeRangeChanged), Sort: pointer(dashboard.VariableSortAlphabeticalAsc),
		Multi: pointer(true), IncludeAll: pointer(true), Current: all(),
	}
	if whole != "" {
		v.AllValue = &whole
	}
	return v
}

// levels chooses lines of the log by how grave they are.
func levels(service string) dashboard.VariableModel {
	const name = "level"
	v := values(name, "Log level", "", everything)
	v.Datasource, v.Definition = logLines(), nil
	v.Query = &dashboard.StringOrMap{Map: map[string]any{
		"refId": "LokiVariableQueryEditor-VariableQuery", "type": 1, "label": name, "stream": `{service_name="` + service + `"}`,
	}}
	return v
}

// runbooks is where the runbooks are served, for links. Prometheus knows, and
// tells by a label of the alert that always fires. After a change it has the
// old address for hours too, so the query is for the latest.
func runbooks() dashboard.VariableModel {
	const usual = "http://127.0.0.1:9090/user" // until Prometheus has answered
	const name = "runbooks"
	query := `query_result(topk(1, timestamp(ALERTS{alertname="Watchdog"})))`
	return dashboard.VariableModel{
		Type: dashboard.VariableTypeQuery, Name: name, Datasource: metrics(),
		Definition: &query, Query: &dashboard.StringOrMap{Map: map[string]any{"query": query, "refId": name, "qryType": 3}},
		Regex: pointer(`/runbooks_url="([^"]+)"/`), Refresh: pointer(dashboard.VariableRefreshOnDashboardLoad),
		Hide: pointer(dashboard.VariableHideHideVariable), SkipUrlSync: pointer(true),
		Multi: pointer(false), IncludeAll: pointer(false), Current: choice(usual, usual),
	}
}

func choice(text, value string) *dashboard.VariableOption {
	return &dashboard.VariableOption{
		Selected: pointer(true),
		Text:     dashboard.StringOrArrayOfString{String: &text},
		Value:    dashboard.StringOrArrayOfString{String: &value},
	}
}

// all is the choice of everything where several may be chosen.
func all() *dashboard.VariableOption {
	return &dashboard.VariableOption{
		Selected: pointer(true),
		Text:     dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
		Value:    dashboard.StringOrArrayOfString{ArrayOfString: []string{"$__all"}},
	}
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
