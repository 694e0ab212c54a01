package main

// The dashboards' uids, which links and alerts use.
const (
	overviewUID    = "sluice-overview"
	deliveryUID    = "sluice-delivery"
	connectionsUID = "sluice-connections"
	resumeUID      = "sluice-resume-storage"
	admissionUID   = "sluice-admission"
	runtimeUID     = "sluice-runtime"
	edgeUID        = "sluice-edge"
)

var titles = map[string]string{
	overviewUID:    "Sluice 1: Overview",
	deliveryUID:    "Sluice 2: Delivery",
	connectionsUID: "Sluice 3: Connections",
	resumeUID:      "Sluice 4: Resume and storage",
	admissionUID:   "Sluice 5: Admission",
	runtimeUID:     "Sluice 6: Runtime and telemetry",
	edgeUID:        "Sluice 7: Edge",
}

// logsOf is the panel of the hub's log lines below a dashboard.
func logsOf(matchers, title, normal, act, pipeline string) panel {
	return linesOf("hub", matchers, title, normal, act, pipeline)
}

// linesOf is a panel of log lines of a service. They are chosen by their level,
// by matchers of the stream's labels and by a LogQL pipeline.
func linesOf(service, matchers, title, normal, act, pipeline string) panel {
	stream := `service_name="` + service + `",level=~"$level"`
	if matchers != "" {
		stream += "," + matchers
	}
	return panel{kind: logsPanel, wide: columns, high: 12, title: title, normal: normal, act: act, unit: "none",
		queries: []query{{expr: "{" + stream + "}" + pipeline}}}
}
