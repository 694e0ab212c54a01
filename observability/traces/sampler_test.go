package traces

import (
	"context"
	"net/http"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Services that sample by the SDK's own ratio choose the same traces.
func TestRatioIsTheSDKs(t *testing.T) {
	for _, ratio := range []float64{0, 0.01, 0.3, 1} {
		tracing, _ := recorded(t, sampling(ratio))
		theirs, chosen := sdktrace.TraceIDRatioBased(ratio), 0
		const n = 20_000
		for range n {
			in := tracing.Request(nil)
			want := theirs.ShouldSample(sdktrace.SamplingParameters{ParentContext: t.Context(), TraceID: in.Caller().ID}).Decision
			if in.Sampled() != (want == sdktrace.RecordAndSample) {
				t.Fatalf("%v: %s is sampled: %t", ratio, in.TraceID(), in.Sampled())
			}
			if in.Sampled() {
				chosen++
			}
		}
		if got := float64(chosen) / n; got < ratio*0.6 || got > ratio*1.4 {
			t.Errorf("%v of the traces were sampled, want %v", got, ratio)
		}
	}
}

func TestSamplerVariables(t *testing.T) {
	for _, row := range []struct {
		name, arg              string
		ratio                  float64
		root, caller, notAsked bool // what is sampled: new traces, sampled callers, others
	}{
		{"", "", 0, false, true, false},
		{"", "", 1, true, true, false},
		{"always_on", "", 0, true, true, true},
		{"always_off", "", 1, false, false, false},
		{"parentbased_always_on", "", 0, true, true, false},
		{"parentbased_always_off", "", 1, false, true, false},
		{"traceidratio", "", 0, true, true, true},
		{"traceidratio", "0", 1, false, false, false},
		{"parentbased_traceidratio", "1", 0, true, true, false},
		{"parentbased_traceidratio", "0", 1, false, true, false},
	} {
		o := sampling(row.ratio)
		o.Getenv = variables("OTEL_TRACES_SAMPLER", row.name, "OTEL_TRACES_SAMPLER_ARG", row.arg)
		tracing, recorder := recorded(t, o)
		made := 0
		for _, c := range []struct {
			header http.Header
			want   bool
		}{{nil, row.root}, {header("Traceparent", sampledBy), row.caller}, {header("Traceparent", notSampledBy), row.notAsked}} {
			in := tracing.Request(c.header)
			if in.Sampled() != c.want {
				t.Errorf("%+v: %v is sampled: %t", row, c.header, in.Sampled())
			}
			_, p := tracing.Publish(t.Context(), in, "", began)
			p.End(Published{End: began})
			if c.want {
				made++
			}
			if got := len(recorder.Ended()); got != made {
				t.Errorf("%+v: %v: %d spans, want %d", row, c.header, got, made)
			}
			if (p.span != nil) != c.want || c.want && p.Ref().TraceID() != in.TraceID() {
				t.Errorf("%+v: %v: a span of %+v, announced was %s", row, c.header, p.Ref(), in.TraceID())
			}
		}
	}
}

func TestSettingsThatAreWrong(t *testing.T) {
	for _, row := range []struct {
		o    Options
		says string
	}{
		{Options{Exporter: "zipkin"}, "none, otlp, jaeger-thrift, stdout"},
		{Options{Getenv: variables("OTEL_TRACES_EXPORTER", "zipkin")}, "OTEL_TRACES_EXPORTER"},
		{Options{Ratio: 1.5}, "--trace-ratio"},
		{Options{Ratio: -0.5}, "--trace-ratio"},
		{Options{Exporter: ExporterStdout}, "nowhere"},
		{Options{Getenv: variables("OTEL_TRACES_SAMPLER", "jaeger_remote")}, "OTEL_TRACES_SAMPLER"},
		{Options{Getenv: variables("OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "2")}, "OTEL_TRACES_SAMPLER_ARG"},
		{Options{Getenv: variables("OTEL_RESOURCE_ATTRIBUTES", "a")}, "OTEL_RESOURCE_ATTRIBUTES"},
		{Options{Exporter: "otlp", Getenv: variables("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318")}, "OTEL_EXPORTER_OTLP_ENDPOINT"},
		{Options{Exporter: "otlp", Getenv: variables("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://")}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"},
		{Options{Exporter: "otlp", Getenv: variables("OTEL_EXPORTER_OTLP_PROTOCOL", "udp")}, "http/protobuf"},
		{Options{Exporter: "otlp", Getenv: variables("OTEL_EXPORTER_OTLP_HEADERS", "secret")}, "OTEL_EXPORTER_OTLP_HEADERS"},
		{Options{Exporter: "otlp", Getenv: variables("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")}, "OTEL_EXPORTER_OTLP_TIMEOUT"},
		{Options{Exporter: "otlp", Getenv: variables("OTEL_EXPORTER_OTLP_COMPRESSION", "zip")}, "gzip"},
		{Options{Exporter: "otlp", Getenv: variables("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere")}, "OTEL_EXPORTER_OTLP_CERTIFICATE"},
		{Options{Exporter: "otlp", Getenv: variables("OTEL_BSP_MAX_QUEUE_SIZE", "0")}, "OTEL_BSP_MAX_QUEUE_SIZE"},
		{Options{Exporter: "jaeger-thrift", Getenv: variables("OTEL_EXPORTER_JAEGER_ENDPOINT", "jaeger:14268")}, "OTEL_EXPORTER_JAEGER_ENDPOINT"},
	} {
		tracing, err := Start(t.Context(), row.o)
		if err == nil {
			tracing.Close(t.Context())
			t.Errorf("%+v is taken", row.o)
		} else if !strings.Contains(err.Error(), row.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("the error %q does not say %q", err, row.says)
		}
	}
}

// Where nothing is exported spans are recorded, and nobody is told that they
// were sampled: readers would look for a parent that no backend has.
func TestNothingIsExported(t *testing.T) {
	tracing, recorder := recorded(t, Options{Ratio: 1})
	for _, c := range []struct {
		header http.Header
		event  string
	}{{nil, ""}, {header("Traceparent", notSampledBy), ""}, {header("Traceparent", sampledBy), sampledBy}} {
		ctx, p := tracing.Publish(t.Context(), tracing.Request(c.header), "", began)
		if got := p.Traceparent(); got != c.event {
			t.Errorf("the event says %q, want %q", got, c.event)
		}
		_, below := tracing.Provider().Tracer("store").Start(ctx, "append")
		if below.IsRecording() != (p.span != nil) || below.SpanContext().IsSampled() {
			t.Errorf("%v: the store's span is %+v, recorded: %t", c.header, below.SpanContext(), below.IsRecording())
		}
		below.End()
		p.End(Published{End: began})
	}
	if n := len(named(recorder, SpanPublish)); n != 2 {
		t.Errorf("%d publishes were recorded, want 2", n)
	}
	if tracing.Depth() != 0 {
		t.Error("something waits to be sent")
	}
}

func TestDisabled(t *testing.T) {
	o := sampling(1)
	o.Getenv = variables("OTEL_SDK_DISABLED", "true")
	tracing, recorder := recorded(t, o)
	in := tracing.Request(header("Traceparent", sampledBy))
	_, c := tracing.Connect(t.Context(), in, "", began)
	c.End(Connect{End: began.Add(SlowConnect), Status: 500})
	_, p := tracing.Publish(t.Context(), in, "", began)
	p.End(Published{})
	tracing.Fanout(Fanout{Traceparent: sampledBy})
	tracing.Deliver(Delivery{Traceparent: sampledBy})
	tracing.Disconnect(Close{Connect: Ref{Sampled: true}})
	if n := len(recorder.Ended()); n != 0 {
		t.Errorf("%d spans were made", n)
	}
	if p.Traceparent() != sampledBy || in.TraceID() != callerID {
		t.Errorf("the caller's trace is lost: %q", p.Traceparent())
	}
}

// Spans of others below a request are sampled as it is, and in its trace.
func TestChildrenOfOthers(t *testing.T) {
	for _, ratio := range []float64{0, 1} {
		tracing, _ := recorded(t, sampling(ratio))
		for _, h := range []http.Header{nil, header("Traceparent", sampledBy), header("Traceparent", notSampledBy)} {
			in := tracing.Request(h)
			published, p := tracing.Publish(t.Context(), in, "stable", began)
			connected, _ := tracing.Connect(t.Context(), in, "stable", began)
			for name, ctx := range map[string]context.Context{
				"publish": published, "connect": connected, "request": in.Context(t.Context(), "stable"),
			} {
				_, span := tracing.Provider().Tracer("store").Start(ctx, "get")
				sc, parent := span.SpanContext(), trace.SpanContextFromContext(ctx)
				if sc.TraceID().String() != in.TraceID() || sc.IsSampled() != in.Sampled() || sc.SpanID() == parent.SpanID() {
					t.Errorf("%v, %v, %s: span %+v below %+v", ratio, h, name, sc, parent)
				}
				if name == "publish" && in.Sampled() && parent.SpanID() != trace.SpanID(p.Ref().Span) {
					t.Errorf("%v, %v: its parent is %s, want %+v", ratio, h, parent.SpanID(), p.Ref())
				}
				span.End()
			}
		}
	}
}

// What was decided here holds for what is made below, whatever the sampler.
func TestKeptHoldsBelow(t *testing.T) {
	o := sampling(0)
	o.Getenv = variables("OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0")
	tracing, recorder := recorded(t, o)
	_, c := tracing.Connect(t.Context(), tracing.Request(nil), "", began)
	tracing.Replay(c.End(Connect{End: at(2)}), Replay{Start: began, End: at(3)})
	tracing.Fanout(Fanout{Traceparent: sampledBy, Start: began, End: at(1)})
	for _, name := range []string{SpanConnect, SpanReplay, SpanFanout} {
		if !one(t, recorder, name).SpanContext().IsSampled() {
			t.Errorf("%s is not sampled", name)
		}
	}
}

func TestResource(t *testing.T) {
	o := sampling(1)
	o.Version, o.Node = "1.2.3", "n1"
	o.Getenv = variables("OTEL_SERVICE_NAME", "edge", "OTEL_RESOURCE_ATTRIBUTES", "service.name=no,service.instance.id=a%2Cb, team = core")
	tracing, recorder := recorded(t, o)
	_, p := tracing.Publish(t.Context(), tracing.Request(nil), "", began)
	p.End(Published{})
	got := map[string]string{}
	for _, a := range one(t, recorder, SpanPublish).Resource().Attributes() {
		got[string(a.Key)] = a.Value.String()
	}
	for key, want := range map[string]string{"service.name": "edge", "service.instance.id": "a,b", "team": "core", "service.version": "1.2.3", "sse.release": ""} {
		if got[key] != want {
			t.Errorf("%s is %q, want %q", key, got[key], want)
		}
	}
}
