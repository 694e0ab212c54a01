package main

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/loki"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"

	"github.com/sluice-stream/sluice/observability/catalogue"
)

// A query is one of a panel's. In its expression {@} stands for the job and the
// instance that are chosen, {#} for the edges that are chosen, and {@,…} for them
// and more.
type query struct {
	expr, legend string
	exemplars    bool // traces of single requests too
}

// These are the matchers of which every query has one. Edges are apart from what
// the job chooses: a dashboard that is left for another hands that on, and hubs
// have metrics of the same names.
const (
	chosen      = `{job=~"$job",instance=~"$instance"`
	chosenEdges = `{job="` + catalogue.Edge + `",instance=~"$edge"`
)

func (q query) text() string {
	return strings.NewReplacer("{@", chosen, "{#", chosenEdges).Replace(q.expr)
}

// The labels of what is chosen beside job and instance.
const (
	ofTopics   = `topic_class=~"$topic_class"`
	ofReleases = `release=~"$release"`
)

// traced are the histograms of hubs that keep the trace of an observation.
var traced = map[string]bool{
	"http_request_duration_seconds": true,
	"sse_delivery_latency_seconds":  true,
	"sse_fanout_seconds":            true,
	"sse_publish_duration_seconds":  true,
}

// quantiles are queries of a histogram's classic buckets: half of all are no
// slower than the first, and so on. The labels by which they are apart may be
// none.
func quantiles(histogram, matchers, by string, of ...float64) []query {
	var all []query
	for _, q := range of {
		legend := fmt.Sprintf("p%g", q*100)
		group := "le"
		for label := range strings.FieldsSeq(by) {
			group += ", " + label
			legend += fmt.Sprintf(" {{%s}}", label)
		}
		all = append(all, query{
			expr: fmt.Sprintf(`histogram_quantile(%g, sum by (%s) (rate(%s_bucket%s[$__rate_interval])))`,
				q, group, histogram, matchers),
			legend: legend, exemplars: traced[histogram],
		})
	}
	return all
}

// buckets is the query of a heat map: how many fell into each classic bucket.
func buckets(histogram, matchers string) []query {
	return []query{{
		expr:   fmt.Sprintf(`sum by (le) (increase(%s_bucket%s[$__rate_interval]))`, histogram, matchers),
		legend: "{{le}}", exemplars: traced[histogram],
	}}
}

// targets returns the queries as a panel of that kind sends them.
func (p *panel) targets() []variants.Dataquery {
	var all []variants.Dataquery
	for i, q := range p.queries {
		ref := string(rune('A' + i))
		if p.kind == logsPanel {
			all = append(all, loki.Dataquery{
				Expr: q.text(), RefId: &ref, QueryType: pointer("range"), MaxLines: pointer(int64(500)), Datasource: logLines(),
			})
			continue
		}
		d := prometheus.Dataquery{
			Expr: q.text(), LegendFormat: &q.legend, RefId: &ref, Datasource: metrics(),
			EditorMode: pointer(prometheus.QueryEditorModeCode),
			Range:      pointer(!p.kind.instant()), Instant: pointer(p.kind.instant()),
		}
		if q.exemplars {
			d.Exemplar = pointer(true)
		}
		switch p.kind {
		case heatPanel:
			d.Format = pointer(prometheus.PromQueryFormatHeatmap)
		case tablePanel:
			d.Format = pointer(prometheus.PromQueryFormatTable)
		}
		all = append(all, d)
	}
	return all
}
