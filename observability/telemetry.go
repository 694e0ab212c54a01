package observability

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/observability/logs"
	"github.com/sluice-stream/sluice/observability/outbox"
)

// The signals that are sent to backends.
const (
	SignalLogs   = "logs"
	SignalTraces = "traces"
)

// Telemetry are figures of the figures themselves, of any service. Its methods
// are safe for concurrent use.
type Telemetry struct {
	dropped map[drop]prometheus.Counter
	success map[string]prometheus.Gauge
}

type drop struct{ signal, reason string }

// NewTelemetry registers them. It takes the depths of queues by their signals.
func NewTelemetry(r prometheus.Registerer, queues map[string]func() int) Telemetry {
	dropped := counters("sse_telemetry_dropped_total", "Log lines and spans that nobody will see, by reason.", "signal", "reason")
	success := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sse_telemetry_last_success_timestamp_seconds",
		Help: "When a backend last took something; 0: never."}, []string{"signal"})
	t := Telemetry{map[drop]prometheus.Counter{}, map[string]prometheus.Gauge{}}
	add := func(signal, reason string) { t.dropped[drop{signal, reason}] = dropped.WithLabelValues(signal, reason) }
	for _, signal := range []string{SignalLogs, SignalTraces} {
		for _, reason := range []string{outbox.QueueFull, outbox.Rejected, outbox.Unavailable, outbox.Shutdown} {
			add(signal, reason)
		}
		t.success[signal] = success.WithLabelValues(signal)
	}
	add(SignalLogs, logs.StdoutFull)
	for signal, depth := range queues {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "sse_telemetry_queue_depth", Help: "Log lines and spans that wait to be sent.",
			ConstLabels: prometheus.Labels{"signal": signal},
		}, func() float64 { return float64(depth()) }))
	}
	r.MustRegister(dropped, success)
	return t
}

// Dropped returns a function that counts what was dropped of a signal.
func (t *Telemetry) Dropped(signal string) func(reason string, n int) {
	return func(reason string, n int) { t.dropped[drop{signal, reason}].Add(float64(n)) }
}

// Sent returns a function that notes that a backend took something.
func (t *Telemetry) Sent(signal string) func(int) {
	return func(int) { t.success[signal].SetToCurrentTime() }
}
