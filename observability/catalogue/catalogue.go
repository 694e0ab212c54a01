// Package catalogue is the list of metrics that dashboards, alerts, runbooks
// and readers rely on. Tests hold the services to it, and all that use a name
// or a label to what is in it.
package catalogue

import (
	"slices"
	"strings"
)

// The types of metrics.
const (
	Counter   = "counter"
	Gauge     = "gauge"
	Histogram = "histogram" // classic buckets and native ones
)

// The jobs of scrapes that have metrics of Sluice's own.
const (
	Hub    = "hub"
	Prober = "prober"
	Edge   = "api-gateway" // nginx, and the program that tells of it
)

// Metric is one family of series.
type Metric struct {
	Type   string
	Labels map[string]string // their names by job, sorted, with blanks between
}

// Of returns the labels that a metric has in all of those jobs that have it.
// Where several jobs are meant, a label that only one of them has is none.
func (m Metric) Of(meant func(job string) bool) (labels, jobs []string) {
	for job, names := range m.Labels {
		if !meant(job) {
			continue
		}
		has := strings.Fields(names)
		if jobs == nil {
			labels = has
		}
		labels = slices.DeleteFunc(labels, func(l string) bool { return !slices.Contains(has, l) })
		jobs = append(jobs, job)
	}
	slices.Sort(jobs)
	return labels, jobs
}

// hub and prober are the labels of what only that job has.
func hub(labels string) map[string]string    { return map[string]string{Hub: labels} }
func prober(labels string) map[string]string { return map[string]string{Prober: labels} }

// edge are the labels of what only nginx tells of.
func edge(labels string) map[string]string { return map[string]string{Edge: labels} }

// shared are the labels of what the hub and the edge have alike.
func shared(labels string) map[string]string {
	return map[string]string{Hub: labels, Edge: labels}
}

// Metrics returns all metrics of Sluice's own, by name.
func Metrics() map[string]Metric {
	return map[string]Metric{
		"http_request_duration_seconds":                {Histogram, map[string]string{Hub: "method route status", Edge: "method release route status"}},
		"sse_account_events_total":                     {Counter, hub("outcome topic_class")},
		"sse_behind_bytes":                             {Gauge, hub("topic_class")},
		"sse_behind_connections":                       {Gauge, hub("topic_class")},
		"sse_breaker_state":                            {Gauge, hub("breaker")},
		"sse_breaker_transitions_total":                {Counter, hub("breaker to")},
		"sse_build_info":                               {Gauge, hub("goversion release version")},
		"sse_connection_age_seconds":                   {Histogram, hub("reason")},
		"sse_connections":                              {Gauge, hub("health release transport")},
		"sse_connects_total":                           {Counter, hub("outcome release")},
		"sse_cpu_quota_cores":                          {Gauge, shared("")},
		"sse_delivered_bytes_total":                    {Counter, hub("path")},
		"sse_deliveries_total":                         {Counter, hub("path")},
		"sse_delivery_latency_seconds":                 {Histogram, hub("path release")},
		"sse_disconnects_total":                        {Counter, hub("reason release")},
		"sse_draining":                                 {Gauge, hub("")},
		"sse_edge_connections":                         {Gauge, edge("state")},
		"sse_edge_connections_refused_total":           {Counter, edge("")},
		"sse_edge_cpu_seconds_total":                   {Counter, edge("")},
		"sse_edge_faults_total":                        {Counter, edge("fault")},
		"sse_edge_resident_bytes":                      {Gauge, edge("")},
		"sse_edge_streams":                             {Gauge, edge("")},
		"sse_edge_streams_limit":                       {Gauge, edge("")},
		"sse_edge_upstream_connect_seconds":            {Histogram, edge("")},
		"sse_edge_upstream_failures_total":             {Counter, edge("reason")},
		"sse_edge_worker_connections":                  {Gauge, edge("")},
		"sse_edge_worker_connections_limit":            {Gauge, edge("")},
		"sse_edge_workers":                             {Gauge, edge("state")},
		"sse_event_bytes":                              {Histogram, hub("")},
		"sse_fanout_seconds":                           {Histogram, hub("topic_class")},
		"sse_gaps_total":                               {Counter, hub("cause topic_class")},
		"sse_health_score":                             {Histogram, hub("")},
		"sse_log_bytes":                                {Gauge, hub("tier")},
		"sse_log_events":                               {Gauge, hub("tier")},
		"sse_ping_rtt_seconds":                         {Histogram, hub("")},
		"sse_pings_missed_total":                       {Counter, hub("")},
		"sse_probe_failures_total":                     {Counter, prober("reason target")},
		"sse_probe_latency_seconds":                    {Histogram, prober("target")},
		"sse_publish_duration_seconds":                 {Histogram, hub("")},
		"sse_publishes_total":                          {Counter, hub("outcome topic_class")},
		"sse_reads_saved_total":                        {Counter, hub("layer")},
		"sse_rejects_total":                            {Counter, hub("reason")},
		"sse_replay_duration_seconds":                  {Histogram, hub("tier")},
		"sse_replay_queue":                             {Gauge, hub("tier")},
		"sse_replayed_events_total":                    {Counter, hub("tier")},
		"sse_resume_headroom_seconds":                  {Gauge, hub("topic_class")},
		"sse_store_background_errors_total":            {Counter, hub("")},
		"sse_store_compaction_debt_bytes":              {Gauge, hub("")},
		"sse_store_disk_bytes":                         {Gauge, hub("part")},
		"sse_store_disk_free_bytes":                    {Gauge, hub("")},
		"sse_store_disk_reserve_bytes":                 {Gauge, hub("")},
		"sse_store_errors_total":                       {Counter, hub("backend operation")},
		"sse_store_operation_duration_seconds":         {Histogram, hub("backend operation")},
		"sse_store_read_amplification":                 {Gauge, hub("")},
		"sse_store_write_stall_seconds_total":          {Counter, hub("")},
		"sse_store_write_stalls_total":                 {Counter, hub("")},
		"sse_store_written_bytes_total":                {Counter, hub("part")},
		"sse_stress_connections":                       {Gauge, hub("")},
		"sse_telemetry_dropped_total":                  {Counter, shared("reason signal")},
		"sse_telemetry_last_success_timestamp_seconds": {Gauge, shared("signal")},
		"sse_telemetry_queue_depth":                    {Gauge, shared("signal")},
		"sse_topics":                                   {Gauge, hub("tier")},
		"sse_write_stalls_total":                       {Counter, hub("")},
	}
}
