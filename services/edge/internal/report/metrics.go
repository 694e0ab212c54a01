package report

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/services/edge/internal/accesslog"
	"github.com/sluice-stream/sluice/services/edge/internal/nginx"
)

// Reasons why a hub did not answer.
const (
	failedConnect = "connect" // no connection to it
	failedClosed  = "closed"  // it ended the connection before it had answered
	failedTimeout = "timeout" // it took too long
)

// metrics are the figures of requests and faults.
type metrics struct {
	observability.Telemetry
	requests observability.GatewayRequests
	connects prometheus.Histogram
	failures map[string]prometheus.Counter
	faults   map[nginx.Fault]prometheus.Counter
}

func newMetrics(r prometheus.Registerer, releases []string, queues map[string]func() int) *metrics {
	m := &metrics{
		Telemetry: observability.NewTelemetry(r, queues),
		requests:  observability.NewGatewayRequests(r, usual, releases),
		connects: observability.LatencyHistogram("sse_edge_upstream_connect_seconds",
			"Time until there was a connection to a hub, of each try; 0 where one was kept."),
		failures: map[string]prometheus.Counter{},
		faults:   map[nginx.Fault]prometheus.Counter{},
	}
	failures := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sse_edge_upstream_failures_total",
		Help: "Tries to have a hub answer that failed, by reason."}, []string{"reason"})
	for _, reason := range []string{failedConnect, failedClosed, failedTimeout} {
		m.failures[reason] = failures.WithLabelValues(reason)
	}
	faults := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sse_edge_faults_total",
		Help: "What nginx complained of: worker_connections used up, too many open files, no local port left, anything else."}, []string{"fault"})
	for _, f := range nginx.Faults {
		m.faults[f] = faults.WithLabelValues(string(f))
	}
	r.MustRegister(m.connects, failures, faults)
	return m
}

// upstream counts what became of the tries to have a hub answer.
func (m *metrics) upstream(l *accesslog.Line) {
	if l.Upstream == "" {
		return
	}
	statuses := accesslog.Each(l.UpstreamStatus)
	for i := range accesslog.Each(l.Upstream) {
		connect := l.Connect.At(i)
		switch {
		case connect < 0:
			m.failures[failedConnect].Inc()
			continue
		case l.Header.At(i) >= 0 || l.Status == clientLeft:
		case i < len(statuses) && statuses[i] == "504":
			m.failures[failedTimeout].Inc()
		default:
			m.failures[failedClosed].Inc()
		}
		m.connects.Observe(connect.Seconds())
	}
}

// clientLeft is nginx's status of a request whose client did not wait.
const clientLeft = 499

// protocolVersion returns the version as spans have it: 1.0, 1.1, 2.
func protocolVersion(protocol string) string {
	if version := strings.TrimPrefix(protocol, "HTTP/"); version != "2.0" {
		return version
	}
	return "2"
}

// milliseconds keeps the microseconds.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
