package jaegerthrift

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/uber/jaeger-client-go/thrift"
	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// collector keeps what it is sent.
type collector struct {
	requests []*http.Request
	batches  []*jaeger.Batch
	answer   int
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	buffer := thrift.NewTMemoryBufferLen(len(body))
	buffer.Write(body)
	batch := jaeger.NewBatch()
	if err := batch.Read(r.Context(), thrift.NewTBinaryProtocolConf(buffer, nil)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.requests, c.batches = append(c.requests, r), append(c.batches, batch)
	if c.answer != 0 {
		http.Error(w, "as the test wants it", c.answer)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// begin starts a collector, and an exporter that sends to it.
func begin(t *testing.T, c *collector, path string, o Options) *Exporter {
	t.Helper()
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	var err error
	if o.Endpoint, err = url.Parse(server.URL + path); err != nil {
		t.Fatal(err)
	}
	o.Client = server.Client()
	return New(o)
}

func spanContext(id, span byte) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0: 0xff, 15: id}, SpanID: trace.SpanID{0: 0xfe, 7: span}, TraceFlags: trace.FlagsSampled,
	})
}

var start = time.Date(2025, 11, 22, 10, 0, 0, 123_456_789, time.UTC)

// stub is a span with all that a span can have.
func stub() tracetest.SpanStub {
	return tracetest.SpanStub{
		Name: "sse.deliver", SpanContext: spanContext(1, 2), Parent: spanContext(1, 3), SpanKind: trace.SpanKindConsumer,
		StartTime: start, EndTime: start.Add(1_500_999),
		Attributes: []attribute.KeyValue{
			attribute.String("text", "a"), attribute.Bool("yes", true), attribute.Int("n", -7), attribute.Float64("f", 0.5),
			attribute.StringSlice("list", []string{"a", `"b"`}), attribute.ByteSlice("raw", []byte{0, 255}), attribute.String("error", "mine"),
		},
		Events: []sdktrace.Event{
			{Name: "stalled", Time: start.Add(time.Millisecond), Attributes: []attribute.KeyValue{attribute.Int("bytes", 3)}, DroppedAttributeCount: 4},
			{Name: "hidden", Time: start, Attributes: []attribute.KeyValue{attribute.String("event", "mine")}},
		},
		Links:  []sdktrace.Link{{SpanContext: spanContext(8, 9)}, {SpanContext: spanContext(10, 11)}},
		Status: sdktrace.Status{Code: codes.Error, Description: "broken"}, DroppedAttributes: 5, DroppedEvents: 6, DroppedLinks: 7,
		Resource:             resource.NewSchemaless(attribute.String("service.name", "hub"), attribute.String("service.version", "1")),
		InstrumentationScope: instrumentation.Scope{Name: "scope", Version: "2"},
	}
}

// values returns tags by their key, each of which is there once.
func values(t *testing.T, tags []*jaeger.Tag) map[string]any {
	t.Helper()
	all := map[string]any{}
	for _, p := range tags {
		if _, twice := all[p.Key]; twice {
			t.Errorf("%s is there twice", p.Key)
		}
		switch p.VType {
		case jaeger.TagType_STRING:
			all[p.Key] = p.GetVStr()
		case jaeger.TagType_BOOL:
			all[p.Key] = p.GetVBool()
		case jaeger.TagType_LONG:
			all[p.Key] = p.GetVLong()
		case jaeger.TagType_DOUBLE:
			all[p.Key] = p.GetVDouble()
		case jaeger.TagType_BINARY:
			all[p.Key] = string(p.GetVBinary())
		}
	}
	return all
}

func same(t *testing.T, what string, got, want map[string]any) {
	t.Helper()
	for k, v := range want {
		if got[k] != v {
			t.Errorf("%s: %s is %v, want %v", what, k, got[k], v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestSpanArrives(t *testing.T) {
	var c collector
	e := begin(t, &c, "/api/traces", Options{User: "me", Password: "secret"})
	if err := e.ExportSpans(t.Context(), tracetest.SpanStubs{stub()}.Snapshots()); err != nil {
		t.Fatal(err)
	}
	r := c.requests[0]
	if user, password, _ := r.BasicAuth(); user != "me" || password != "secret" || r.Method != "POST" ||
		r.URL.String() != "/api/traces?format=jaeger.thrift" || r.Header.Get("Content-Type") != "application/x-thrift" {
		t.Errorf("%s %s as %s, %v", r.Method, r.URL, user, r.Header)
	}
	p := c.batches[0].Process
	if p.ServiceName != "hub" {
		t.Errorf("the service is %q", p.ServiceName)
	}
	same(t, "process", values(t, p.Tags), map[string]any{"service.version": "1"})
	s := c.batches[0].Spans[0]
	if s.TraceIdHigh != -1<<56 || s.TraceIdLow != 1 || s.SpanId != -2<<56+2 || s.ParentSpanId != -2<<56+3 || s.OperationName != "sse.deliver" || s.Flags != 1 {
		t.Errorf("the span is %+v", s)
	}
	// Both ends are truncated to microseconds: .456789 and .957788.
	if s.StartTime != start.UnixMicro() || s.Duration != 1501 {
		t.Errorf("it began at %d and took %d µs", s.StartTime, s.Duration)
	}
	same(t, "tags", values(t, s.Tags), map[string]any{
		"text": "a", "yes": true, "n": int64(-7), "f": 0.5, "list": `["a","\"b\""]`, "raw": "\x00\xff", "span.kind": "consumer",
		"otel.status_code": "ERROR", "otel.status_description": "broken", "error": true, "otel.scope.name": "scope", "otel.scope.version": "2",
		"otel.dropped_attributes_count": int64(5), "otel.dropped_events_count": int64(6), "otel.dropped_links_count": int64(7),
	})
	if len(s.Logs) != 2 || s.Logs[0].Timestamp != start.Add(time.Millisecond).UnixMicro() {
		t.Fatalf("the logs are %v", s.Logs)
	}
	same(t, "event", values(t, s.Logs[0].Fields), map[string]any{"event": "stalled", "bytes": int64(3), "otel.event.dropped_attributes_count": int64(4)})
	same(t, "event", values(t, s.Logs[1].Fields), map[string]any{"event": "mine"})
	for i, low := range []int64{8, 10} {
		if ref := s.References[i]; ref.RefType != jaeger.SpanRefType_FOLLOWS_FROM || ref.TraceIdHigh != -1<<56 || ref.TraceIdLow != low || ref.SpanId != -2<<56+low+1 {
			t.Errorf("reference %d is %+v", i, ref)
		}
	}
}

func TestKindsAndStatuses(t *testing.T) {
	for _, row := range []struct {
		kind   trace.SpanKind
		status codes.Code
		want   map[string]any
	}{
		{trace.SpanKindInternal, codes.Unset, map[string]any{}},
		{trace.SpanKindUnspecified, codes.Unset, map[string]any{}},
		{trace.SpanKindServer, codes.Ok, map[string]any{"span.kind": "server", "otel.status_code": "OK"}},
		{trace.SpanKindClient, codes.Error, map[string]any{"span.kind": "client", "otel.status_code": "ERROR", "error": true}},
		{trace.SpanKindProducer, codes.Unset, map[string]any{"span.kind": "producer"}},
	} {
		s := tracetest.SpanStub{SpanContext: spanContext(1, 2), SpanKind: row.kind, Status: sdktrace.Status{Code: row.status}, StartTime: start, EndTime: start.Add(-time.Hour)}
		j := convert(s.Snapshot())
		same(t, row.kind.String(), values(t, j.Tags), row.want)
		if j.ParentSpanId != 0 || j.Duration != 0 || j.References != nil || j.Logs != nil {
			t.Errorf("%+v: %+v", row, j)
		}
	}
}

// Spans of several resources go in several requests.
func TestResources(t *testing.T) {
	var c collector
	e := begin(t, &c, "/api/traces?format=jaeger.thrift&x=1", Options{})
	stubs := make(tracetest.SpanStubs, 4)
	for i := range stubs {
		stubs[i] = stub()
		if i%2 == 1 {
			stubs[i].Resource = resource.NewSchemaless(attribute.String("service.name", ""))
		}
	}
	if err := e.ExportSpans(t.Context(), stubs.Snapshots()); err != nil {
		t.Fatal(err)
	}
	var services []string
	for i, b := range c.batches {
		services = append(services, b.Process.ServiceName)
		if len(b.Spans) != 2 || c.requests[i].URL.RawQuery != "format=jaeger.thrift&x=1" {
			t.Errorf("%d spans to %s", len(b.Spans), c.requests[i].URL)
		}
	}
	if !slices.Equal(services, []string{"hub", "unknown_service"}) {
		t.Errorf("the services are %v", services)
	}
	if err := e.ExportSpans(t.Context(), nil); err != nil || len(c.requests) != 2 {
		t.Errorf("nothing was sent in %d requests: %v", len(c.requests)-2, err)
	}
}

func TestErrors(t *testing.T) {
	c := collector{answer: 503}
	e := begin(t, &c, "/api/traces", Options{})
	spans := tracetest.SpanStubs{stub()}.Snapshots()
	var answered *StatusError
	if err := e.ExportSpans(t.Context(), spans); !errors.As(err, &answered) || answered.Status != 503 || !strings.Contains(err.Error(), "as the test wants it") {
		t.Errorf("503 is %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.ExportSpans(canceled, spans); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled export is %v", err)
	}
	if err := e.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := e.ExportSpans(t.Context(), spans); !errors.Is(err, errStopped) {
		t.Errorf("after the end: %v", err)
	}
}
