package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/opentracing/opentracing-go"
	"github.com/uber/jaeger-client-go"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/client"
)

// TestWalk follows one event from its publisher to a socket: in Jaeger, in
// Loki and in Prometheus, under one trace id, which the reader goes on with.
// Once for each way of sending spans, and once for a caller that only knows
// uber-trace-id.
func TestWalk(t *testing.T) {
	t.Parallel()
	b := backendsOf{backendtest.Jaeger(t), backendtest.Loki(t)}
	var parts atOnce
	defer parts.Wait()
	for _, c := range []struct {
		name, exporter, variable, port string
		uber                           bool
	}{
		{"otlp over http", "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT", "otlp-http", false},
		{"otlp over grpc", "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT", "otlp-grpc", false},
		{"jaeger-thrift", "jaeger-thrift", "OTEL_EXPORTER_JAEGER_ENDPOINT", "thrift", false},
		{"uber-trace-id", "otlp", "OTEL_EXPORTER_OTLP_ENDPOINT", "otlp-http", true},
	} {
		parts.run(t, c.name, func(t *testing.T) {
			address := b.jaeger.URL(c.port)
			if c.port == "thrift" {
				address += "/api/traces"
			}
			env := []string{c.variable + "=" + address, "OTEL_BSP_SCHEDULE_DELAY=100"}
			if c.port == "otlp-grpc" {
				env = append(env, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc")
			}
			h := newHubProcessIn(t, env, "--store", "memory", "--node", strings.ReplaceAll(c.name, " ", "-"),
				"--trace-exporter", c.exporter, "--trace-ratio", "0", "--loki-url", b.loki.URL("http"), "--environment", "walk")
			prometheus := backendtest.Prometheus(t, backendtest.Scrape(h.admin))
			w := walk{t: t, backendsOf: b, hub: h, prometheus: prometheus}
			w.publisher = w.service("publisher")
			w.reader = w.service("reader")
			for attempt := 1; attempt <= 3; attempt++ {
				w.deliverOne(c.uber)
				if w.arrives() {
					break
				}
			}
			w.inJaeger()
			w.inLoki()
			w.inPrometheus()
		})
	}
}

type backendsOf struct{ jaeger, loki *backendtest.Backend }

// walk is one event on its way.
type walk struct {
	t *testing.T
	backendsOf
	hub               *hubProcess
	prometheus        *backendtest.Backend
	publisher, reader *traces.Tracing

	trace   string // the event's
	connect string // that of the stream
	id      string
}

// service is another one that is traced.
func (w *walk) service(name string) *traces.Tracing {
	s, err := traces.Start(w.t.Context(), traces.Options{
		Exporter: "otlp", Ratio: 1, Service: name, Node: name, Environment: "walk",
		Getenv: func(variable string) string {
			return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": w.jaeger.URL("otlp-http"), "OTEL_BSP_SCHEDULE_DELAY": "100"}[variable]
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

func traceparentIn(ctx context.Context) string {
	carrier := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// deliverOne publishes an event, which a reader gets.
func (w *walk) deliverOne(uber bool) {
	t := w.t
	t.Helper()
	connecting, connect := w.reader.Provider().Tracer("walk").Start(t.Context(), "subscribe")
	w.connect = connect.SpanContext().TraceID().String()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	opened, got := make(chan struct{}), make(chan client.Event, 1)
	go func() {
		for e, err := range client.Subscribe(ctx, client.Options{
			URL: w.hub.url(""), Topics: []string{"orders"}, Header: http.Header{"Traceparent": {traceparentIn(connecting)}},
			OnState: func(s client.State) {
				if s.Phase == client.Open {
					close(opened)
				}
			},
		}) {
			if err == nil {
				got <- e
			}
			return
		}
	}()
	<-opened
	connect.End()

	publishing, publish := w.publisher.Provider().Tracer("walk").Start(t.Context(), "order")
	w.trace = publish.SpanContext().TraceID().String()
	header := http.Header{"Traceparent": {traceparentIn(publishing)}}
	if uber {
		header = uberHeader(t, publish.SpanContext())
	}
	r, err := http.NewRequest("POST", w.hub.url("/v1/topics/orders/events?type=order.created"), strings.NewReader(`{"order":17}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	publish.End()
	if answer.StatusCode != 201 || answer.Header.Get("X-Trace-Id") != w.trace {
		t.Fatalf("%s, trace %q, want %s", answer.Status, answer.Header.Get("X-Trace-Id"), w.trace)
	}

	e := <-got
	w.id = e.ID
	from := propagation.TraceContext{}.Extract(t.Context(), propagation.MapCarrier{"traceparent": e.Traceparent})
	_, handle := w.reader.Provider().Tracer("walk").Start(from, "handle order", trace.WithSpanKind(trace.SpanKindConsumer))
	if id := handle.SpanContext().TraceID().String(); id != w.trace {
		t.Errorf("the reader's span is in the trace %s, want %s", id, w.trace)
	}
	handle.End()
}

// uberHeader is a span as Jaeger's own client writes it.
func uberHeader(t *testing.T, sc trace.SpanContext) http.Header {
	tracer, closer := jaeger.NewTracer("caller", jaeger.NewConstSampler(true), jaeger.NewNullReporter())
	defer closer.Close()
	span, err := jaeger.ContextFromString(fmt.Sprintf("%s:%s:0:1", sc.TraceID(), sc.SpanID()))
	header := http.Header{}
	if err == nil {
		err = tracer.Inject(span, opentracing.HTTPHeaders, opentracing.HTTPHeadersCarrier(header))
	}
	if err != nil {
		t.Fatal(err)
	}
	return header
}

// wholeTrace is how many spans an event's trace has: the publisher's, the hub's
// three, the reader's.
const wholeTrace = 5

// arrives reports whether the event's trace is in Jaeger soon. On a machine that
// is very busy a batch of spans may be dropped, and another event has to do.
func (w *walk) arrives() bool {
	var got []jaegerTrace
	for late := time.Now().Add(20 * time.Second); time.Now().Before(late); time.Sleep(200 * time.Millisecond) {
		if got = jaegerTraces(w.t, w.jaeger, "/api/traces/"+w.trace, nil); len(got) == 1 && len(got[0].Spans) == wholeTrace {
			return true
		}
	}
	_, metrics := get(w.t, "http://"+w.hub.admin+"/metrics")
	dropped := regexp.MustCompile(`(?m)^sse_telemetry_dropped_total\{.*signal="traces".* [1-9].*$`).FindAllString(metrics, -1)
	w.t.Logf("the trace is not whole after 20 s: %+v; the hub dropped %q", got, dropped)
	return false
}

// inJaeger finds publish → fanout in the event's trace, with the reader's span
// in it, and a deliver that is linked to the publish and to the connect.
func (w *walk) inJaeger() {
	t := w.t
	t.Helper()
	var whole jaegerTrace
	patiently(t, "the event's trace in Jaeger", func() bool {
		all := jaegerTraces(t, w.jaeger, "/api/traces/"+w.trace, nil)
		if len(all) != 1 {
			return false
		}
		whole = all[0]
		return len(whole.Spans) == wholeTrace
	})
	order, _ := whole.span("order")
	publish, ok := whole.span("sse.publish")
	fanout, ok2 := whole.span("sse.fanout")
	handle, ok3 := whole.span("handle order")
	store, ok4 := whole.span("sse.store")
	if !ok || !ok2 || !ok3 || !ok4 {
		t.Fatalf("the trace has %+v", whole.Spans)
	}
	if !publish.refersTo("CHILD_OF", order.SpanID) || !fanout.refersTo("CHILD_OF", publish.SpanID) || !handle.refersTo("CHILD_OF", publish.SpanID) || !store.refersTo("CHILD_OF", publish.SpanID) {
		t.Errorf("the spans do not hang together: %+v", whole.Spans)
	}
	if publish.tag("span.kind") != "producer" || publish.tag("messaging.destination.name") != "orders" || fanout.tag("sse.fanout.connections") != "1" || store.tag("db.system.name") != "memory" {
		t.Errorf("sse.publish has %v, sse.fanout %v", publish.Tags, fanout.Tags)
	}
	if s := whole.Processes[publish.ProcessID].ServiceName; s != "hub" {
		t.Errorf("sse.publish is by %q", s)
	}
	var connect, deliver jaegerSpan
	patiently(t, "the connect and the deliver in Jaeger", func() bool {
		for _, j := range jaegerTraces(t, w.jaeger, "/api/traces/"+w.connect, nil) {
			connect, _ = j.span("sse.connect")
		}
		for _, j := range jaegerTraces(t, w.jaeger, "/api/traces", url.Values{"service": {"hub"}, "operation": {"sse.deliver"}, "limit": {"100"}}) {
			if s, ok := j.span("sse.deliver"); ok && s.refersTo("FOLLOWS_FROM", publish.SpanID) {
				deliver = s
			}
		}
		return connect.SpanID != "" && deliver.SpanID != ""
	})
	if !deliver.refersTo("FOLLOWS_FROM", connect.SpanID) || deliver.tag("span.kind") != "consumer" || deliver.tag("messaging.message.id") != w.id {
		t.Errorf("sse.deliver is %+v, want it linked to %s", deliver, connect.SpanID)
	}
}

// inLoki finds the publish and the event by the trace id.
func (w *walk) inLoki() {
	w.t.Helper()
	patiently(w.t, "the event's lines in Loki", func() bool {
		return eventTypes(lokiLines(w.t, w.loki, w.trace)) == "sse_event sse_publish"
	})
	patiently(w.t, "the stream's line in Loki", func() bool {
		return strings.Contains(eventTypes(lokiLines(w.t, w.loki, w.connect)), "sse_connect")
	})
	for _, l := range lokiLines(w.t, w.loki, w.trace) {
		if l["topic"] != "orders" || l["trace_id"] != w.trace || l["service_name"] != "hub" {
			w.t.Errorf("%v", l)
		}
	}
}

// inPrometheus finds the trace id at the figures of the publish, of the fan-out
// and of the delivery.
func (w *walk) inPrometheus() {
	w.t.Helper()
	for _, metric := range []string{"sse_publish_duration_seconds_bucket", "sse_fanout_seconds_bucket", "sse_delivery_latency_seconds_bucket"} {
		patiently(w.t, "an exemplar of "+metric, func() bool { return slices.Contains(exemplars(w.t, w.prometheus, metric), w.trace) })
	}
	patiently(w.t, "the connect's exemplar", func() bool {
		return slices.Contains(exemplars(w.t, w.prometheus, `http_request_duration_seconds_bucket{route="/v1/events"}`), w.connect)
	})
}
