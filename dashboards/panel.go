package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// kind is how a panel looks.
type kind string

// The kinds are named as Grafana's plugins are.
const (
	statPanel     kind = "stat"           // one number, now
	barsPanel     kind = "bargauge"       // a few, now
	graphPanel    kind = "timeseries"     // lines over time
	heatPanel     kind = "heatmap"        // a distribution over time
	timelinePanel kind = "state-timeline" // states over time
	tablePanel    kind = "table"          // rows, now
	logsPanel     kind = "logs"
)

// instant tells the kinds that ask only for now.
func (k kind) instant() bool { return k == statPanel || k == barsPanel || k == tablePanel }

// A panel answers one question.
type panel struct {
	kind    kind
	title   string // the question
	normal  string // what is to be seen when all is well
	act     string // what to do when it is not
	unit    string // of Grafana's
	queries []query

	limits   []limit           // from the lowest, where colours change
	states   map[string]state  // what values mean, where they are not quantities
	max      float64           // of the axis; 0 is what the data need
	floor    float64           // where the axis begins unless there is less, else 0
	stacked  bool              // the lines add up to something
	log      bool              // the axis is logarithmic
	wide     uint32            // in columns, of 24
	high     uint32            // in rows of the grid
	next     []string          // dashboards that say more, by uid
	runbooks []string          // alerts that it shows the cause of
	labels   map[string]string // of a table: columns by label
}

// A limit is where a colour begins.
type limit struct {
	from  float64
	color string
}

// above is a limit that is not to be exceeded.
func above(bad float64) []limit { return []limit{{bad, red}} }

// between has a limit that warns and one that is bad.
func between(warn, bad float64) []limit { return []limit{{warn, orange}, {bad, red}} }

// below is a limit that is not to be undercut.
func below(bad float64) []limit { return []limit{{lowest, red}, {bad, green}} }

// lowest stands for no limit downwards.
const lowest = -1e300

// state is what a value means.
type state struct{ text, color string }

const (
	green  = "green"
	orange = "orange"
	red    = "red"
	blue   = "blue"
)

// build returns what Grafana is given.
func (p *panel) build(id uint32) dashboard.Panel {
	built := dashboard.Panel{
		Type: string(p.kind), Id: &id, Title: &p.title, Datasource: metrics(), Targets: p.targets(),
		Description: pointer(fmt.Sprintf("**Normal:** %s\n\n**Otherwise:** %s", p.normal, p.act)),
		Links:       p.links(),
		Options:     p.options(),
		FieldConfig: &dashboard.FieldConfigSource{Defaults: p.fields(), Overrides: []dashboard.DashboardFieldConfigSourceOverrides{}},
	}
	switch p.kind {
	case logsPanel:
		built.Datasource = logLines()
	case tablePanel:
		built.Transformations = p.columns()
		built.FieldConfig.Overrides = append(built.FieldConfig.Overrides, toRunbooks(p.labels["alertname"]))
	}
	return built
}

// links lead to dashboards with more about it, and to what to do.
func (p *panel) links() []dashboard.DashboardLink {
	var all []dashboard.DashboardLink
	for _, uid := range p.next {
		all = append(all, link("More: "+titles[uid], "/d/"+uid+"?${__url_time_range}&${__all_variables}"))
	}
	for _, alert := range p.runbooks {
		all = append(all, link("Runbook: "+alert, runbook(alert)))
	}
	return all
}

// runbook returns the address of an alert's.
func runbook(alert string) string { return "${runbooks}/" + alert + ".md" }

func link(title, url string) dashboard.DashboardLink {
	return dashboard.DashboardLink{Title: title, Type: dashboard.DashboardLinkTypeLink, Url: &url, Tags: []string{}, TargetBlank: true}
}

// fields say how values are shown.
func (p *panel) fields() dashboard.FieldConfig {
	f := dashboard.FieldConfig{Unit: &p.unit, Custom: p.custom(), Thresholds: p.thresholds(), Mappings: p.mappings()}
	f.Color = &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdPaletteClassic}
	if p.kind != graphPanel && p.kind != heatPanel {
		f.Color.Mode = dashboard.FieldColorModeIdThresholds
	}
	if p.max != 0 {
		f.Max = &p.max
	}
	if p.kind == barsPanel || p.kind == graphPanel && !p.log && p.floor == 0 {
		f.Min = pointer(0.0)
	}
	return f
}

func (p *panel) thresholds() *dashboard.ThresholdsConfig {
	steps := []dashboard.Threshold{{Color: green}}
	for _, l := range p.limits {
		if l.from == lowest {
			steps[0].Color = l.color
			continue
		}
		steps = append(steps, dashboard.Threshold{Value: pointer(l.from), Color: l.color})
	}
	return &dashboard.ThresholdsConfig{Mode: dashboard.ThresholdsModeAbsolute, Steps: steps}
}

func (p *panel) mappings() []dashboard.ValueMapping {
	if len(p.states) == 0 {
		return nil
	}
	options := map[string]dashboard.ValueMappingResult{}
	for value, s := range p.states {
		options[value] = dashboard.ValueMappingResult{Text: &s.text, Color: &s.color}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}}}
}
