package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
)

// jaegerSpan is a span as Jaeger's query API has it, times in microseconds.
type jaegerSpan struct {
	SpanID, OperationName, ProcessID string
	References                       []struct{ RefType, SpanID string }
	StartTime, Duration              int64
	Tags                             []struct {
		Key   string
		Value any
	}
}

func (s jaegerSpan) below(parent string) bool {
	return len(s.References) == 1 && s.References[0].RefType == "CHILD_OF" && s.References[0].SpanID == parent
}

func (s jaegerSpan) tag(key string) string {
	for _, t := range s.Tags {
		if t.Key == key {
			return fmt.Sprint(t.Value)
		}
	}
	return ""
}

// spansOf returns the spans of a trace by their services and names.
func spansOf(t *testing.T, jaeger *backendtest.Backend, trace string) map[string]jaegerSpan {
	t.Helper()
	var answer struct {
		Data []struct {
			Spans     []jaegerSpan
			Processes map[string]struct{ ServiceName string }
		}
	}
	askJSON(t, jaeger.URL("query")+"/api/traces/"+trace, &answer)
	found := map[string]jaegerSpan{}
	for _, d := range answer.Data {
		for _, s := range d.Spans {
			found[d.Processes[s.ProcessID].ServiceName+" "+s.OperationName] = s
		}
	}
	return found
}

func askJSON(t *testing.T, address string, into any) {
	t.Helper()
	answer, text := ask(t, "GET", address, "")
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNotFound {
		t.Fatalf("%s: %s: %s", address, answer.Status, text)
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%s: %v: %s", address, err, text)
	}
}

// linesOf returns the lines of a trace of a service in Loki.
func linesOf(t *testing.T, loki *backendtest.Backend, service, trace string) (lines []map[string]any) {
	t.Helper()
	var answer struct {
		Data struct {
			Result []struct{ Values [][2]string }
		}
	}
	query := url.Values{"query": {fmt.Sprintf(`{service_name=%q, env="walk"} | trace_id=%q`, service, trace)}, "start": {fmt.Sprint(time.Now().Add(-time.Hour).UnixNano())}}
	askJSON(t, loki.URL("http")+"/loki/api/v1/query_range?"+query.Encode(), &answer)
	for _, r := range answer.Data.Result {
		for _, v := range r.Values {
			line := map[string]any{}
			if err := json.Unmarshal([]byte(v[1]), &line); err != nil {
				t.Fatalf("%q: %v", v[1], err)
			}
			lines = append(lines, line)
		}
	}
	return lines
}

// valueOf returns what a query of Prometheus has, of all series together; -1:
// nothing.
func valueOf(t *testing.T, prometheus *backendtest.Backend, query string) float64 {
	t.Helper()
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	askJSON(t, prometheus.URL("http")+"/api/v1/query?"+url.Values{"query": {query}}.Encode(), &answer)
	sum := -1.0
	for i, r := range answer.Data.Result {
		var value float64
		if _, err := fmt.Sscan(r.Value[1].(string), &value); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			sum = 0
		}
		sum += value
	}
	return sum
}

// One event's way through the edge and the hub to the store is one trace, the
// edge's span the parent of the hub's; so is a stream's beginning, told while the
// stream goes on. The lines of both are in Loki under its id, and the requests
// in Prometheus.
func TestWalk(t *testing.T) {
	jaeger, loki := backendtest.Jaeger(t), backendtest.Loki(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", jaeger.URL("otlp-http"))
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
	telemetry := []string{"--trace-exporter", "otlp", "--trace-ratio", "0", "--loki-url", loki.URL("http"), "--environment", "walk"}
	e, h := behindEdge(t, append([]string{"--releases", "stable,canary"}, telemetry...), telemetry...)
	prometheus := backendtest.Prometheus(t, backendtest.Scrape(strings.TrimPrefix(h.admin, "http://")), backendtest.Target("edge", strings.TrimPrefix(e.admin, "http://")))

	const caller = "00f067aa0ba902b7"
	connect, event := "11111111111111111111111111111111", "22222222222222222222222222222222"
	parent := func(trace string) []string { return []string{"traceparent", "00-" + trace + "-" + caller + "-01"} }
	stream := open(t, "GET", e.url+"/v1/events?topic=orders", "", parent(connect)...)
	lines := bufio.NewScanner(stream.Body)
	lineWith(t, lines, "event: stream.open")
	ask(t, "POST", e.url+"/v1/topics/orders/events", "data", parent(event)...)
	lineWith(t, lines, "data: data")

	for trace, c := range map[string]struct {
		edge, hub string
		below     []string
	}{
		event:   {"edge POST /v1/topics/:topic/events", "hub sse.publish", []string{"hub sse.store", "hub sse.fanout"}},
		connect: {"edge GET /v1/events", "hub sse.connect", nil},
	} {
		var spans map[string]jaegerSpan
		await(t, "the spans of "+c.edge, func() bool {
			spans = spansOf(t, jaeger, trace)
			return len(spans) >= 2+len(c.below)
		})
		edge, hub := spans[c.edge], spans[c.hub]
		if !edge.below(caller) || !hub.below(edge.SpanID) {
			t.Errorf("%s does not hang together: %+v", c.edge, spans)
		}
		for _, name := range c.below {
			if s := spans[name]; !s.below(hub.SpanID) {
				t.Errorf("%s is not below %s: %+v", name, c.hub, spans)
			}
		}
		if edge.tag("span.kind") != "server" || edge.tag("client.address") != "127.0.0.1" || edge.tag("sse.edge.connect_seconds") == "" || edge.tag("sse.edge.head_seconds") == "" || edge.tag("sse.release") != "stable" {
			t.Errorf("%s has %+v", c.edge, edge.Tags)
		}
		if edge.Duration > (10*time.Second).Microseconds() || edge.StartTime > hub.StartTime+2000 { // nginx counts in milliseconds
			t.Errorf("the edge's span began at %d and took %d, the hub's began at %d", edge.StartTime, edge.Duration, hub.StartTime)
		}
		await(t, "its lines in Loki", func() bool {
			return len(linesOf(t, loki, "edge", trace)) > 0 && len(linesOf(t, loki, "hub", trace)) > 0
		})
		for _, l := range linesOf(t, loki, "edge", trace) {
			if l["trace_id"] != trace || l["span_id"] != edge.SpanID || l["topic"] != "orders" && trace == connect {
				t.Errorf("%v", l)
			}
		}
	}
	stream.Body.Close()
	await(t, "the end of the stream in Loki", func() bool {
		return slices.ContainsFunc(linesOf(t, loki, "edge", connect), func(l map[string]any) bool { return l["event_type"] == "sse_disconnect" })
	})

	h.kill()
	ask(t, "POST", e.url+"/v1/topics/orders/events", "lost")
	for query, least := range map[string]float64{
		`http_request_duration_seconds_count{job="api-gateway",route="/v1/topics/:topic/events",method="POST",status="201",release="stable"}`: 1,
		`http_request_duration_seconds_count{job="api-gateway",route="/v1/events",method="GET",status="200",release="stable"}`:                1,
		`http_request_duration_seconds_count{job="api-gateway",status="502",release="none"}`:                                                  1,
		`rate(http_request_duration_seconds_count{job="api-gateway",status=~"5.."}[5m])`:                                                      0,
		`sse_edge_upstream_failures_total{job="api-gateway",reason="connect"}`:                                                                1,
		`sse_edge_streams{job="api-gateway"} + 1`:                                                                                             1,
		`sse_edge_workers{job="api-gateway",state="serving"}`:                                                                                 2,
		`sse_edge_connections{job="api-gateway"}`:                                                                                             1,
		`sse_edge_worker_connections{job="api-gateway"}`:                                                                                      1,
		`sse_edge_cpu_seconds_total{job="api-gateway"}`:                                                                                       0,
		`sse_edge_resident_bytes{job="api-gateway"}`:                                                                                          1 << 20,
		`sse_edge_upstream_connect_seconds_count{job="api-gateway"}`:                                                                          2,
	} {
		await(t, query, func() bool { return valueOf(t, prometheus, query) >= least })
	}
}
