package traces

import (
	"net/http"
	"strings"
	"testing"

	"github.com/opentracing/opentracing-go"
	"github.com/opentracing/opentracing-go/ext"
	"github.com/uber/jaeger-client-go"
)

func TestRequestWithTraceparent(t *testing.T) {
	tracing, _ := recorded(t, sampling(0))
	const id, parent = callerID, callerSpan
	for _, row := range []struct {
		header      string
		ok, sampled bool
	}{
		{"00-" + id + "-" + parent + "-01", true, true},
		{"00-" + id + "-" + parent + "-00", true, false},
		{"00-" + id + "-" + parent + "-03", true, true},
		{"00-" + id + "-" + parent + "-02", true, false},
		{"cc-" + id + "-" + parent + "-01-later", true, true},
		{"cc-" + id + "-" + parent + "-01", true, true},
		{"00-" + id + "-" + parent + "-01-more", false, false},
		{"cc-" + id + "-" + parent + "-01later", false, false},
		{"ff-" + id + "-" + parent + "-01", false, false},
		{"00-" + strings.ToUpper(id) + "-" + parent + "-01", false, false},
		{"00-" + id + "-" + strings.ToUpper(parent) + "-01", false, false},
		{"00-" + strings.Repeat("0", 32) + "-" + parent + "-01", false, false},
		{"00-" + id + "-" + strings.Repeat("0", 16) + "-01", false, false},
		{"00-" + id + "-" + parent + "-0g", false, false},
		{"0x-" + id + "-" + parent + "-01", false, false},
		{"00-" + id + "-" + parent, false, false},
		{"", false, false},
		{"nonsense", false, false},
	} {
		in := tracing.Request(header("traceparent", row.header))
		if (in.TraceID() == id) != row.ok || len(in.TraceID()) != 32 || in.Sampled() != row.sampled || in.Caller().Sampled != row.sampled {
			t.Errorf("%s: %s, %+v, sampled %t", row.header, in.TraceID(), in.Caller(), in.Sampled())
		}
		want := ""
		if row.sampled {
			want = sampledBy // in the version that is written
		}
		if got := in.Caller().Traceparent(); got != want {
			t.Errorf("%s: goes on as %q, want %q", row.header, got, want)
		}
	}
	if a, b := tracing.Request(nil), tracing.Request(nil); a.TraceID() == b.TraceID() {
		t.Error("two requests have one trace id")
	}
}

func TestRequestWithUber(t *testing.T) {
	tracing, _ := recorded(t, sampling(0))
	const id, span = callerID, callerSpan
	for _, row := range []struct{ header, id, sampled string }{
		{id + ":" + span + ":0:1", id, sampledBy},
		{id + ":" + span + ":0:0", id, ""},
		{id + ":" + span + ":0:3", id, sampledBy},
		{id + ":" + span + ":0:001", id, sampledBy},
		{id + ":f067aa0ba902b7:1:1", id, sampledBy},
		{strings.ReplaceAll(id+":"+span+":0:1", ":", "%3A"), id, sampledBy},
		{strings.ReplaceAll(id+":"+span+":0:1", ":", "%3a"), id, sampledBy},
		{strings.ToUpper(id) + ":" + span + ":0:1", id, sampledBy},
		{"3ce929d0e0e4736:" + span + ":0:1", "000000000000000003ce929d0e0e4736", "00-000000000000000003ce929d0e0e4736-" + span + "-01"},
		{"0:" + span + ":0:1", "", ""},
		{":" + span + ":0:1", "", ""},
		{id + ":0:0:1", "", ""},
		{id + ":" + span + ":0", "", ""},
		{id + ":" + span + ":0:1:1", "", ""},
		{id + ":" + span + ":0:x", "", ""},
		{id + ":" + span + ":0:", "", ""},
		{id + ":" + span + ":0:101", "", ""},
		{"0" + id + ":" + span + ":0:1", "", ""},
		{id + ":0" + span + ":0:1", "", ""},
		{strings.Repeat("x", 32) + ":" + span + ":0:1", "", ""},
		{"nonsense", "", ""},
		{"%3", "", ""},
	} {
		in := tracing.Request(header("uber-trace-id", row.header))
		if (in.TraceID() != row.id) != (row.id == "") || len(in.TraceID()) != 32 || in.Caller().Traceparent() != row.sampled {
			t.Errorf("%s: %s, %q", row.header, in.TraceID(), in.Caller().Traceparent())
		}
	}
	both := tracing.Request(header("traceparent", sampledBy, "uber-trace-id", "1:1:0:1"))
	if both.TraceID() != id {
		t.Errorf("the traceparent does not win: %s", both.TraceID())
	}
	if in := tracing.Request(header("traceparent", "nonsense", "uber-trace-id", id+":1:0:1")); in.TraceID() != id {
		t.Errorf("a bad traceparent hides a good uber-trace-id: %s", in.TraceID())
	}
}

// What Jaeger's own client writes is what is read here.
func TestJaegerClientIsUnderstood(t *testing.T) {
	tracing, _ := recorded(t, sampling(0))
	for _, wide := range []bool{false, true} {
		client, closer := jaeger.NewTracer("test", jaeger.NewConstSampler(true), jaeger.NewNullReporter(), jaeger.TracerOptions.Gen128Bit(wide))
		defer closer.Close()
		quiet, closer := jaeger.NewTracer("test", jaeger.NewConstSampler(false), jaeger.NewNullReporter(), jaeger.TracerOptions.Gen128Bit(wide))
		defer closer.Close()
		debug := client.StartSpan("debug").(*jaeger.Span)
		ext.SamplingPriority.Set(debug, 1)
		for name, span := range map[string]opentracing.Span{
			"sampled": client.StartSpan("a"),
			"child":   client.StartSpan("b", opentracing.ChildOf(client.StartSpan("a").Context())),
			"debug":   debug,
			"not":     quiet.StartSpan("a"),
		} {
			h := http.Header{}
			if err := span.Tracer().Inject(span.Context(), opentracing.HTTPHeaders, opentracing.HTTPHeadersCarrier(h)); err != nil {
				t.Fatal(err)
			}
			in, sent := tracing.Request(h), span.Context().(jaeger.SpanContext)
			id := sent.TraceID().String()
			if id = strings.Repeat("0", 32-len(id)) + id; in.TraceID() != id {
				t.Errorf("%s: trace id %s, want %s of %v", name, in.TraceID(), id, h)
			}
			if got := in.Caller().spanContext().SpanID().String(); !strings.HasSuffix(got, sent.SpanID().String()) {
				t.Errorf("%s: span id %s, want %s", name, got, sent.SpanID())
			}
			if in.Sampled() != sent.IsSampled() || in.Sampled() != (name != "not") || (name == "debug") != sent.IsDebug() {
				t.Errorf("%s: sampled %t, want %t, from %v", name, in.Sampled(), sent.IsSampled(), h)
			}
		}
	}
}

func FuzzHeaders(f *testing.F) {
	f.Add(sampledBy)
	f.Add("4bf92f3577b34da6a3ce929d0e0e4736:f067aa0ba902b7:0:1")
	f.Add("1%3A1%3a0:3")
	f.Fuzz(func(t *testing.T, s string) {
		for _, parse := range []func(string) (Ref, bool){parseTraceparent, parseUber} {
			r, ok := parse(s)
			if !ok && r != (Ref{}) || ok && !r.valid() {
				t.Errorf("%q is %+v, %t", s, r, ok)
			}
			text := r.Traceparent()
			if again, _ := ParseRef(text); r.Sampled && again != r {
				t.Errorf("%q is %+v, and by way of %q %+v", s, r, text, again)
			}
		}
	})
}
