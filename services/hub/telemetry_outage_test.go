package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
)

// TestBackendsAreKilled: the real Loki and Jaeger are killed under a loaded
// hub. Every stream gets every event, and once they are back so are the lines
// and spans, without a restart of the hub.
func TestBackendsAreKilled(t *testing.T) {
	t.Parallel()
	b := backendsOf{backendtest.Jaeger(t), backendtest.Loki(t)}
	env := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + b.jaeger.URL("otlp-http"), "OTEL_BSP_SCHEDULE_DELAY=200"}
	h := newHubProcessIn(t, env, "--store", "memory", "--trace-exporter", "otlp", "--trace-ratio", "1",
		"--loki-url", b.loki.URL("http"), "--environment", "walk", "--drain-timeout", "5s")
	const readers = 50
	discardStreams(t, h.public, readers)
	await(t, "the readers", func() bool { return h.metric("sse_connections") == readers })
	n := 0
	load := func(lasts time.Duration) {
		for began := time.Now(); time.Since(began) < lasts; n++ {
			tracedPost(t, h.url(""), n)
		}
	}
	arrives := func(when string) { // one publish a second, which no sampling leaves out
		found := map[string]bool{}
		patiently(t, "a trace in Jaeger and a line in Loki "+when, func() bool {
			tracedPost(t, h.url(""), n)
			n++
			time.Sleep(time.Second)
			found["span"] = found["span"] || len(jaegerTraces(t, b.jaeger, "/api/traces/"+traceOf(n-1), nil)) == 1
			found["line"] = found["line"] || len(lokiLines(t, b.loki, traceOf(max(n-4, 0)))) > 0
			return found["span"] && found["line"]
		})
	}
	load(time.Second)
	arrives("before")
	b.jaeger.Kill()
	b.loki.Kill()
	load(5 * time.Second)
	await(t, "the deliveries", func() bool { return h.metric("sse_deliveries_total") == float64(n*readers) })
	b.jaeger.Start()
	b.loki.Start()
	arrives("after")
	await(t, "the deliveries", func() bool { return h.metric("sse_deliveries_total") == float64(n*readers) })
	for _, signal := range []string{"logs", "traces"} {
		t.Logf("%s: %v dropped as unavailable, %v by a full queue, of %d publishes", signal,
			h.metric(fmt.Sprintf(`sse_telemetry_dropped_total{reason="unavailable",signal=%q}`, signal)),
			h.metric(fmt.Sprintf(`sse_telemetry_dropped_total{reason="queue_full",signal=%q}`, signal)), n)
	}
	endInTime(t, h)
}

// traceOf is the trace id that tracedPost gives a publish.
func traceOf(n int) string { return fmt.Sprintf("%032x", n+1) }
