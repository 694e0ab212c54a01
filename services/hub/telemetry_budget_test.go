package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/sluice-stream/sluice/observability/traces"
)

// spanCounter is a collector of OTLP over HTTP that counts spans by name.
type spanCounter struct {
	*httptest.Server
	mu     sync.Mutex
	counts map[string]int
}

func newSpanCounter(t *testing.T) *spanCounter {
	c := &spanCounter{counts: map[string]int{}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request coltrace.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil {
			t.Errorf("a push of spans: %v", err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, s := range scope.Spans {
					c.counts[s.Name]++
				}
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *spanCounter) count(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts[name]
}

// discardStreams opens streams whose events nobody looks at.
func discardStreams(t *testing.T, address string, n int) {
	t.Helper()
	var readers sync.WaitGroup
	t.Cleanup(readers.Wait) // the last to be run, once all are closed
	for range n {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(c, "GET /v1/events?topic=orders HTTP/1.1\r\nHost: %s\r\n\r\n", address)
		readers.Go(func() { _, _ = io.Copy(io.Discard, c) })
		t.Cleanup(func() { c.Close() })
	}
}

// tracedPost publishes an event of a sampled trace.
func tracedPost(t *testing.T, address string, n int) {
	t.Helper()
	r, err := http.NewRequest("POST", address+"/v1/topics/orders/events", strings.NewReader(fmt.Sprint("event ", n)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Traceparent", fmt.Sprintf("00-%032x-%016x-01", n+1, n+1))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 201 {
		t.Fatalf("publish %d: %s", n, answer.Status)
	}
}

// A thousand sampled publishes to a thousand connections make as many spans as
// is stated, not a million.
func TestSpansGrowWithPublishesOnly(t *testing.T) {
	const publishes, connections = 1000, 1000
	collector := newSpanCounter(t)
	env := []string{"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_BSP_SCHEDULE_DELAY=100"}
	h := newHubProcessIn(t, env, "--store", "memory", "--trace-exporter", "otlp", "--trace-ratio", "0")
	discardStreams(t, h.public, connections)
	await(t, "the connections", func() bool { return h.metric("sse_connections") == connections })
	began := time.Now()
	for i := range publishes {
		tracedPost(t, h.url(""), i)
	}
	await(t, "the deliveries", func() bool { return h.metric("sse_deliveries_total") == publishes*connections })
	await(t, "the fan-outs", func() bool { return h.metric("sse_fanout_seconds_count") == publishes })
	seconds := int(time.Since(began).Seconds()) + 2
	await(t, "the spans", func() bool {
		sent := collector.count("sse.publish") + collector.count("sse.fanout")
		return sent+int(h.metric(`sse_telemetry_dropped_total{signal="traces"}`)) >= 2*publishes
	})
	if n := h.metric(`sse_telemetry_dropped_total{signal="traces"}`); n != 0 {
		t.Errorf("%v spans were dropped", n)
	}
	if p, f := collector.count("sse.publish"), collector.count("sse.fanout"); p != publishes || f != publishes {
		t.Errorf("%d publish and %d fanout spans, want %d each", p, f, publishes)
	}
	delivers := collector.count("sse.deliver")
	if delivers == 0 || delivers > publishes*traces.DeliversPerPublish || delivers > (seconds+1)*traces.DeliversPerSecond {
		t.Errorf("%d deliver spans in %d s", delivers, seconds)
	}
	if n := collector.count("sse.connect"); n > traces.KeptConnectsPerSecond*seconds {
		t.Errorf("%d connect spans although none was sampled", n)
	}
	t.Logf("%d publishes to %d connections in %v: %d spans of publishes, %d of fan-outs, %d of deliveries",
		publishes, connections, time.Since(began).Round(time.Millisecond), publishes, publishes, delivers)
}
