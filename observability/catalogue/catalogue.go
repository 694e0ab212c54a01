// Package catalogue is the list of metrics that dashboards, alerts, runbooks
// and readers rely on. Tests hold the services to it, and all that use a name
// or a label to what is in it.
package catalogue

// The types of metrics.
const (
	Counter   = "counter"
	Gauge     = "gauge"
	Histogram = "histogram" // classic buckets and native ones
)

// Metric is one family of series.
type Metric struct {
	Job    string // of the scrape that has it: hub or prober
	Type   string
	Labels string // their names, sorted, with blanks between
}

// Metrics returns all metrics of Sluice's own, by name.
func Metrics() map[string]Metric {
	return map[string]Metric{
		"http_request_duration_seconds":                {"hub", Histogram, "method route status"},
		"sse_behind_bytes":                             {"hub", Gauge, "topic_class"},
		"sse_behind_connections":                       {"hub", Gauge, "topic_class"},
		"sse_breaker_state":                            {"hub", Gauge, "breaker"},
		"sse_breaker_transitions_total":                {"hub", Counter, "breaker to"},
		"sse_build_info":                               {"hub", Gauge, "goversion release version"},
		"sse_connection_age_seconds":                   {"hub", Histogram, "reason"},
		"sse_connections":                              {"hub", Gauge, "health release transport"},
		"sse_connects_total":                           {"hub", Counter, "outcome release"},
		"sse_cpu_quota_cores":                          {"hub", Gauge, ""},
		"sse_delivered_bytes_total":                    {"hub", Counter, "path"},
		"sse_deliveries_total":                         {"hub", Counter, "path"},
		"sse_delivery_latency_seconds":                 {"hub", Histogram, "path release"},
		"sse_disconnects_total":                        {"hub", Counter, "reason release"},
		"sse_draining":                                 {"hub", Gauge, ""},
		"sse_event_bytes":                              {"hub", Histogram, ""},
		"sse_fanout_seconds":                           {"hub", Histogram, "topic_class"},
		"sse_gaps_total":                               {"hub", Counter, "cause topic_class"},
		"sse_health_score":                             {"hub", Histogram, ""},
		"sse_log_bytes":                                {"hub", Gauge, "tier"},
		"sse_log_events":                               {"hub", Gauge, "tier"},
		"sse_ping_rtt_seconds":                         {"hub", Histogram, ""},
		"sse_pings_missed_total":                       {"hub", Counter, ""},
		"sse_probe_failures_total":                     {"prober", Counter, "reason target"},
		"sse_probe_latency_seconds":                    {"prober", Histogram, "target"},
		"sse_publish_duration_seconds":                 {"hub", Histogram, ""},
		"sse_publishes_total":                          {"hub", Counter, "outcome topic_class"},
		"sse_reads_saved_total":                        {"hub", Counter, "layer"},
		"sse_rejects_total":                            {"hub", Counter, "reason"},
		"sse_replay_duration_seconds":                  {"hub", Histogram, "tier"},
		"sse_replay_queue":                             {"hub", Gauge, "tier"},
		"sse_replayed_events_total":                    {"hub", Counter, "tier"},
		"sse_resume_headroom_seconds":                  {"hub", Gauge, "topic_class"},
		"sse_store_errors_total":                       {"hub", Counter, "backend operation"},
		"sse_store_operation_duration_seconds":         {"hub", Histogram, "backend operation"},
		"sse_stress_connections":                       {"hub", Gauge, ""},
		"sse_telemetry_dropped_total":                  {"hub", Counter, "reason signal"},
		"sse_telemetry_last_success_timestamp_seconds": {"hub", Gauge, "signal"},
		"sse_telemetry_queue_depth":                    {"hub", Gauge, "signal"},
		"sse_topics":                                   {"hub", Gauge, "tier"},
		"sse_write_stalls_total":                       {"hub", Counter, ""},
	}
}
