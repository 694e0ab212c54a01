package main

import (
	"slices"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	th "github.com/sluice-stream/sluice/alerts/thresholds"
)

// limits are what each alert compares with, in the order of its expression.
// Those of objectives are generated from the same constants.
var limits = map[string][]float64{
	"HubDown":              {0, 1},
	"HubRestarting":        {th.HubRestarts},
	"HubDraining":          {1},
	"CPUNearQuota":         {th.CPURatio},
	"MemoryNearLimit":      {th.MemoryRatio},
	"DescriptorsNearLimit": {th.DescriptorsRatio},
	"RequestsSlow":         {th.SlowSeconds, th.LeastRequestRate},
	"PublishSuccessLow":    {th.PublishSuccessRatio, th.LeastPublishRate},
	"BreakerOpen":          {0},
	"KeysUnavailable":      {0},
	"StressTraffic":        {th.StressRatio},
	"DeliverySlow":         {th.SlowSeconds},
	"ReadersBehind":        {th.BehindRatio, th.BehindConnections},
	"ReadersLetGo":         {th.LostReadersRate},
	"PongsMissing":         {th.LostReadersRate},
	"StreamsRefused":       {th.RefusedStreamsRate},
	"GapsEarly":            {0},
	"EventsLost":           {0},
	"GapsDamaged":          {0},
	"LogBehindClients":     {th.LostLogRatio, th.LostLogResumes},
	"ResumeHeadroomSmall":  {th.HeadroomSeconds},
	"ReplayQueueLong":      {th.ReplayQueue},
	"StoreErrors":          {th.StoreErrorRate},
	"StoreSlow":            {th.StoreOperationSeconds, th.LeastPublishRate},
	"StoreDiskNearFull":    {th.DiskReserves},
	"StoreStalled":         {th.StalledRatio},
	"EdgeDown":             {0, 0, 0, 0, 0, 0},
	"EdgeUnseen":           {0},
	"EdgeErrors":           {th.EdgeErrorRatio, th.LeastRequestRate, 1},
	"EdgeSlow":             {th.SlowSeconds, th.LeastRequestRate, th.SlowSeconds},
	"EdgeFull":             {th.EdgeFullRatio, th.EdgeFullRatio, th.EdgeFaultRate, th.EdgeFaultRate},
	"ProbesFailing":        {th.ProbeFailureRatio, 1},
	"ProxyBuffering":       {th.BufferedProbes},
	"ProberDown":           {0, 0},
	"TelemetryDropped":     {th.TelemetryDropRate},
	"TelemetryStuck":       {th.TelemetryStaleSeconds, 0},
	"LokiDown":             {0},
	"JaegerDown":           {0},
	"GrafanaDown":          {0},
	"AlertmanagerDown":     {0},
	"AlertsNotSent":        {0, 1},
	"NotificationsFailing": {0},
	"RuleFailures":         {0},
	"ConfigReloadFailed":   {0, 0},
	"Watchdog":             nil,
}

// Alerts fire at the limits that dashboards draw.
func TestLimits(t *testing.T) {
	found := map[string]bool{}
	for _, r := range alertRules(t) {
		if r.file == "rules/objectives.yml" {
			continue
		}
		found[r.Alert] = true
		want, ok := limits[r.Alert]
		if !ok {
			t.Errorf("%s: say what its limits are", r.Alert)
		}
		if got := compared(r.parsed); !slices.Equal(got, want) {
			t.Errorf("%s compares with %v, thresholds say %v", r.Alert, got, want)
		}
	}
	for name := range limits {
		if !found[name] {
			t.Errorf("there is no alert %s", name)
		}
	}
}

// compared returns the numbers that an expression compares with, those of
// products among them.
func compared(e parser.Expr) []float64 {
	var found []float64
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		b, ok := n.(*parser.BinaryExpr)
		if !ok {
			return nil
		}
		for _, side := range []parser.Expr{b.LHS, b.RHS} {
			if number, ok := side.(*parser.NumberLiteral); ok {
				found = append(found, number.Val)
			}
		}
		return nil
	})
	return found
}
