package traces

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
	"github.com/sluice-stream/sluice/observability/outbox"
)

// found is a span as Jaeger's query API has it.
type found struct {
	SpanID, OperationName, ProcessID string
	StartTime, Duration              int64
	References                       []struct{ RefType, TraceID, SpanID string }
	Tags                             []pair
}

type pair struct {
	Key   string
	Value any
}

// answered is a trace as Jaeger's query API has it.
type answered struct {
	TraceID   string
	Spans     []found
	Processes map[string]struct {
		ServiceName string
		Tags        []pair
	}
}

func (a answered) named(name string) (found, error) {
	for _, s := range a.Spans {
		if s.OperationName == name {
			return s, nil
		}
	}
	return found{}, fmt.Errorf("no %s among %d spans", name, len(a.Spans))
}

func tag(tags []pair, key string) string {
	for _, p := range tags {
		if p.Key == key {
			return fmt.Sprint(p.Value)
		}
	}
	return ""
}

// ask returns a trace.
func ask(jaeger *backendtest.Backend, id string) (answered, error) {
	response, err := http.Get(jaeger.URL("query") + "/api/traces/" + id)
	if err != nil {
		return answered{}, err
	}
	defer response.Body.Close()
	var all struct{ Data []answered }
	if err := json.NewDecoder(response.Body).Decode(&all); err != nil {
		return answered{}, err
	}
	if len(all.Data) != 1 {
		return answered{}, fmt.Errorf("%s: %d traces", response.Status, len(all.Data))
	}
	return all.Data[0], nil
}

// What each exporter sends is found again in a real Jaeger.
func TestJaeger(t *testing.T) {
	t.Parallel()
	jaeger := backendtest.Jaeger(t)
	for name, o := range map[string]Options{
		"otlp http":     {Exporter: "otlp", Getenv: variables("OTEL_EXPORTER_OTLP_ENDPOINT", jaeger.URL("otlp-http"))},
		"otlp json":     {Exporter: "otlp", Getenv: variables("OTEL_EXPORTER_OTLP_ENDPOINT", jaeger.URL("otlp-http"), "OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")},
		"otlp gzip":     {Exporter: "otlp", Getenv: variables("OTEL_EXPORTER_OTLP_ENDPOINT", jaeger.URL("otlp-http"), "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")},
		"otlp grpc":     {Exporter: "otlp", Getenv: variables("OTEL_EXPORTER_OTLP_ENDPOINT", jaeger.URL("otlp-grpc"), "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")},
		"jaeger-thrift": {Exporter: "jaeger-thrift", Getenv: variables("OTEL_EXPORTER_JAEGER_ENDPOINT", jaeger.URL("thrift")+"/api/traces")},
	} {
		t.Run(name, func(t *testing.T) {
			o.Ratio, o.Service, o.Version, o.Node, o.Release, o.Environment = 1, "hub", "1.2.3", "n1", "canary", "test"
			var c counts
			tracing := start(t, &c, o)
			seen := publishAndDeliver(t, tracing)
			end(t, tracing, &c, seen.spans, 5*time.Second)
			if sent, dropped, failed := c.get(); sent != seen.spans {
				t.Fatalf("%d sent, dropped %v, told of %v", sent, dropped, failed)
			}
			checkPublish(t, jaeger, seen)
			checkDeliver(t, jaeger, seen)
		})
	}
}

// scene is what was done in a test.
type scene struct {
	begin   time.Time
	publish Ref
	connect Ref
	deliver string // its trace
	spans   int
}

// publishAndDeliver makes spans of every kind.
func publishAndDeliver(t *testing.T, tracing *Tracing) scene {
	t.Helper()
	s := scene{begin: time.Now().Add(-time.Second).Truncate(time.Microsecond), spans: 6}
	after := func(d time.Duration) time.Time { return s.begin.Add(d) }
	_, c := tracing.Connect(t.Context(), tracing.Request(nil), "canary", s.begin)
	s.connect = c.End(Connect{End: after(5 * time.Millisecond), Method: "GET", Route: "/v1/events", Status: 200, Topics: []string{"orders"}, Outcomes: []string{"replay"}, ConnectionID: "n1-abc"})
	tracing.Replay(s.connect, Replay{Start: s.begin, End: after(20 * time.Millisecond), Topic: "orders", Tier: "store", Events: 3})

	_, p := tracing.Publish(t.Context(), tracing.Request(nil), "canary", s.begin)
	s.publish = p.Ref()
	event := p.Traceparent()
	p.End(Published{End: after(1500 * time.Microsecond), Topic: "orders", ID: "7-0", Bytes: 128, Outcome: "failed", Err: errors.New("the disk is full")})
	tracing.Fanout(Fanout{Traceparent: event, Start: after(time.Millisecond), End: after(9 * time.Millisecond), Topic: "orders", ID: "7-0", Connections: 1000, Lag: 20 * time.Millisecond})

	recorder := tracetest.NewSpanRecorder()
	tracing.provider.RegisterSpanProcessor(recorder)
	tracing.Deliver(Delivery{Traceparent: event, Connect: s.connect, Start: after(time.Millisecond), End: after(2 * time.Second), Topic: "orders", ID: "7-0", Slow: true})
	s.deliver = one(t, recorder, SpanDeliver).SpanContext().TraceID().String()
	tracing.Disconnect(Close{Connect: s.connect, Opened: s.begin, Closed: after(time.Second), Reason: "client", Events: 3})
	return s
}

func checkPublish(t *testing.T, jaeger *backendtest.Backend, seen scene) {
	t.Helper()
	var published, fanned, connected, replayed found
	var trace answered
	within(t, 30*time.Second, "the publish is found", func() (err error) {
		if trace, err = ask(jaeger, seen.publish.TraceID()); err != nil {
			return err
		}
		if fanned, err = trace.named(SpanFanout); err != nil {
			return err
		}
		published, err = trace.named(SpanPublish)
		return err
	})
	for key, want := range map[string]string{
		"span.kind": "producer", "error": "true", "otel.status_code": "ERROR", "otel.status_description": "the disk is full",
		"messaging.destination.name": "orders", "messaging.message.id": "7-0", "messaging.message.body.size": "128", "otel.scope.name": scope,
	} {
		if got := tag(published.Tags, key); got != want {
			t.Errorf("the publish's %s is %q, want %q", key, got, want)
		}
	}
	if published.StartTime != seen.begin.UnixMicro() || published.Duration != 1500 {
		t.Errorf("the publish began at %d for %d µs, want %d for 1500", published.StartTime, published.Duration, seen.begin.UnixMicro())
	}
	p := trace.Processes[published.ProcessID]
	for key, want := range map[string]string{"service.version": "1.2.3", "service.instance.id": "n1", "sse.release": "canary", "deployment.environment.name": "test", "telemetry.sdk.language": "go"} {
		if got := tag(p.Tags, key); got != want || p.ServiceName != "hub" {
			t.Errorf("the process %s has %s %q, want %q", p.ServiceName, key, got, want)
		}
	}
	isChild(t, fanned, published)
	if got := tag(fanned.Tags, "sse.fanout.connections"); got != "1000" || tag(fanned.Tags, "sse.fanout.lag_seconds") != "0.02" {
		t.Errorf("the fan-out has %v", fanned.Tags)
	}
	within(t, 30*time.Second, "the connect is found", func() (err error) {
		if trace, err = ask(jaeger, seen.connect.TraceID()); err != nil {
			return err
		}
		if connected, err = trace.named(SpanConnect); err != nil {
			return err
		}
		replayed, err = trace.named(SpanReplay)
		return err
	})
	isChild(t, replayed, connected)
	if tag(connected.Tags, "span.kind") != "server" || tag(connected.Tags, "sse.topics") != `["orders"]` || tag(connected.Tags, "error") != "" || tag(connected.Tags, "http.response.status_code") != "200" {
		t.Errorf("the connect has %v", connected.Tags)
	}
}

func isChild(t *testing.T, child, parent found) {
	t.Helper()
	if len(child.References) != 1 || child.References[0].RefType != "CHILD_OF" || child.References[0].SpanID != parent.SpanID {
		t.Errorf("%s refers to %+v, want its parent %s", child.OperationName, child.References, parent.SpanID)
	}
}

func checkDeliver(t *testing.T, jaeger *backendtest.Backend, seen scene) {
	t.Helper()
	var delivered found
	within(t, 30*time.Second, "the delivery is found", func() error {
		trace, err := ask(jaeger, seen.deliver)
		if err != nil {
			return err
		}
		delivered, err = trace.named(SpanDeliver)
		return err
	})
	if tag(delivered.Tags, "span.kind") != "consumer" || tag(delivered.Tags, "sse.slow") != "true" || delivered.Duration != 1_999_000 {
		t.Errorf("the delivery took %s µs and has %v", strconv.FormatInt(delivered.Duration, 10), delivered.Tags)
	}
	for i, want := range []Ref{seen.publish, seen.connect} {
		if len(delivered.References) != 2 || delivered.References[i].RefType != "FOLLOWS_FROM" || delivered.References[i].TraceID != want.TraceID() ||
			delivered.References[i].SpanID != want.spanContext().SpanID().String() {
			t.Fatalf("the delivery refers to %+v, want %+v and %+v", delivered.References, seen.publish, seen.connect)
		}
	}
}

// A Jaeger that comes back is used again, and until then nothing is held up.
func TestJaegerComesBack(t *testing.T) {
	t.Parallel()
	jaeger := backendtest.Jaeger(t)
	jaeger.Stop()
	tracings := map[string]*Tracing{}
	told := map[string]*counts{}
	for name, getenv := range map[string]func(string) string{
		"otlp http":     variables("OTEL_EXPORTER_OTLP_ENDPOINT", jaeger.URL("otlp-http")),
		"otlp grpc":     variables("OTEL_EXPORTER_OTLP_ENDPOINT", jaeger.URL("otlp-grpc"), "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
		"jaeger-thrift": variables("OTEL_TRACES_EXPORTER", "jaeger-thrift", "OTEL_EXPORTER_JAEGER_ENDPOINT", jaeger.URL("thrift")+"/api/traces"),
	} {
		o := Options{Exporter: ExporterOTLP, Ratio: 1, Service: "hub", Getenv: getenv}
		if getenv("OTEL_TRACES_EXPORTER") != "" {
			o.Exporter = ""
		}
		told[name] = &counts{}
		tracings[name] = start(t, told[name], o)
		publish(tracings[name], 10)
	}
	for name, c := range told {
		within(t, 20*time.Second, name+" gives up", func() error {
			if _, dropped, _ := c.get(); dropped[outbox.Unavailable] != 10 {
				return fmt.Errorf("dropped %v", dropped)
			}
			return nil
		})
	}
	jaeger.Start()
	for name, tracing := range tracings {
		c, made := told[name], 10
		within(t, 30*time.Second, name+" sends again", func() error {
			publish(tracing, 1)
			made++
			if sent, dropped, _ := c.get(); sent == 0 {
				return fmt.Errorf("dropped %v", dropped)
			}
			return nil
		})
		end(t, tracing, c, made, 5*time.Second)
	}
}
