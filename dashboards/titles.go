package main

// The dashboards' uids, which links and alerts use.
const (
	overviewUID    = "sluice-overview"
	deliveryUID    = "sluice-delivery"
	connectionsUID = "sluice-connections"
	resumeUID      = "sluice-resume-storage"
	admissionUID   = "sluice-admission"
	runtimeUID     = "sluice-runtime"
)

var titles = map[string]string{
	overviewUID:    "Sluice 1: Overview",
	deliveryUID:    "Sluice 2: Delivery",
	connectionsUID: "Sluice 3: Connections",
	resumeUID:      "Sluice 4: Resume and storage",
	admissionUID:   "Sluice 5: Admission",
	runtimeUID:     "Sluice 6: Runtime and telemetry",
}

// logsOf is the panel of log lines below a dashboard. Lines are chosen by
// their level, by matchers of the stream's labels and by a LogQL pipeline.
func logsOf(matchers, title, normal, act, pipeline string) panel {
	stream := `service_name="hub",level=~"$level"`
	if matchers != "" {
		stream += "," + matchers
	}
	return panel{kind: logsPanel, wide: columns, high: 12, title: title, normal: normal, act: act, unit: "none",
		queries: []query{{expr: "{" + stream + "}" + pipeline}}}
}
