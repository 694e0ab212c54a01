package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/logs"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// options are those of a panel's kind.
func (p *panel) options() any {
	switch p.kind {
	case statPanel:
		o := stat.NewOptions()
		o.ColorMode = common.BigValueColorModeBackground
		o.GraphMode = common.BigValueGraphModeNone
		o.ReduceOptions.Calcs = []string{"lastNotNull"}
		o.Orientation = common.VizOrientationAuto
		return o
	case barsPanel:
		o := bargauge.NewOptions()
		o.Orientation = common.VizOrientationHorizontal
		o.DisplayMode = common.BarGaugeDisplayModeBasic
		o.ReduceOptions.Calcs = []string{"lastNotNull"}
		return o
	case heatPanel:
		return heatOptions(p.unit)
	case timelinePanel:
		o := statetimeline.NewOptions()
		o.Legend.ShowLegend = false
		o.Tooltip = tooltip()
		return o
	case tablePanel:
		o := table.NewOptions()
		o.Footer = nil // the SDK's own is not what the schema wants
		return o
	case logsPanel:
		o := logs.NewOptions()
		o.ShowTime, o.EnableLogDetails, o.WrapLogMessage = true, true, true
		o.SortOrder, o.DedupStrategy = common.LogsSortOrderDescending, common.LogsDedupStrategyNone
		return o
	}
	o := timeseries.NewOptions()
	o.Legend.ShowLegend = true
	o.Tooltip = tooltip()
	return o
}

// tooltip shows all lines at once, the highest first.
func tooltip() common.VizTooltipOptions {
	return common.VizTooltipOptions{Mode: common.TooltipDisplayModeMulti, Sort: common.SortOrderDescending}
}

func heatOptions(unit string) *heatmap.Options {
	o := heatmap.NewOptions()
	o.Color.Mode = pointer(heatmap.HeatmapColorModeScheme)
	o.Color.Scale = pointer(heatmap.HeatmapColorScaleExponential)
	o.YAxis.Unit = &unit
	o.YAxis.AxisPlacement = pointer(common.AxisPlacementLeft)
	o.Tooltip.Mode = common.TooltipDisplayModeSingle
	o.Tooltip.YHistogram = pointer(true)
	return o
}

// custom is how the lines of a graph are drawn.
func (p *panel) custom() any {
	if p.kind != graphPanel {
		return nil
	}
	g := timeseries.FieldConfig{
		DrawStyle: pointer(common.GraphDrawStyleLine), LineWidth: pointer(1.0), FillOpacity: pointer(10.0),
		ShowPoints: pointer(common.VisibilityModeNever),
		SpanNulls:  &common.BoolOrFloat64{Bool: pointer(false)},
	}
	if p.stacked {
		g.Stacking = &common.StackingConfig{Mode: pointer(common.StackingModeNormal), Group: pointer("A")}
		g.FillOpacity = pointer(30.0)
	}
	switch {
	case p.log && (p.unit == "s" || p.unit == "bytes"):
		g.ScaleDistribution = &common.ScaleDistributionConfig{Type: common.ScaleDistributionLog, Log: pointer(10.0)}
	case p.log: // what is counted may be 0
		g.ScaleDistribution = &common.ScaleDistributionConfig{Type: common.ScaleDistributionSymlog, Log: pointer(10.0), LinearThreshold: pointer(1.0)}
	}
	if p.floor != 0 {
		g.AxisSoftMin = &p.floor
	}
	if len(p.limits) > 0 {
		g.ThresholdsStyle = &common.GraphThresholdsStyleConfig{Mode: common.GraphThresholdsStyleModeDashed}
	}
	return g
}

// columns names those of a table by label and leaves the others out.
func (p *panel) columns() []dashboard.DataTransformerConfig {
	names := make([]string, 0, len(p.labels))
	for label := range p.labels {
		names = append(names, label)
	}
	return []dashboard.DataTransformerConfig{
		{Id: "filterFieldsByName", Options: map[string]any{"include": map[string]any{"names": sorted(names)}}},
		{Id: "organize", Options: map[string]any{"renameByName": p.labels}},
	}
}

// toRunbooks makes links of the names of alerts in a column.
func toRunbooks(column string) dashboard.DashboardFieldConfigSourceOverrides {
	return dashboard.DashboardFieldConfigSourceOverrides{
		Matcher: dashboard.MatcherConfig{Id: "byName", Options: column},
		Properties: []dashboard.DynamicConfigValue{{Id: "links", Value: []any{
			map[string]any{"title": "Runbook", "url": runbook("${__value.raw}"), "targetBlank": true},
		}}},
	}
}
