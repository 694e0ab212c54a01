package traces

import (
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/baggage"
)

// What is called for a request is told its trace and its release.
func TestInject(t *testing.T) {
	tracing, recorder := recorded(t, sampling(0))
	in := tracing.Request(header("Traceparent", sampledBy, "Tracestate", "a=1", "Tracestate", "b=2", "Baggage", "user=1,release=old"))
	if got := in.Release(); got != "old" {
		t.Errorf("the caller's release is %q", got)
	}
	ctx, p := tracing.Publish(t.Context(), in, "ca nary", began)
	h := http.Header{}
	tracing.Inject(ctx, h)
	p.End(Published{End: began})
	own := one(t, recorder, SpanPublish).SpanContext().SpanID().String()
	if got, want := h.Get("Traceparent"), "00-"+callerID+"-"+own+"-01"; got != want {
		t.Errorf("traceparent is %q, want %q", got, want)
	}
	if got := h.Get("Tracestate"); got != "a=1,b=2" {
		t.Errorf("tracestate is %q", got)
	}
	b, err := baggage.Parse(h.Get("Baggage"))
	if err != nil || b.Member("release").Value() != "ca nary" || b.Member("user").Value() != "1" {
		t.Errorf("baggage is %q: %v", h.Get("Baggage"), err)
	}
}

func TestInjectWhatIsNotSampled(t *testing.T) {
	tracing, _ := recorded(t, sampling(0))
	for from, want := range map[string]string{
		"":           "",
		notSampledBy: notSampledBy,
	} {
		in := tracing.Request(header("Traceparent", from))
		ctx, _ := tracing.Publish(t.Context(), in, "canary", began)
		h := http.Header{}
		tracing.Inject(ctx, h)
		got := h.Get("Traceparent")
		if want != "" && got != want || !strings.HasPrefix(got, "00-"+in.TraceID()+"-") || !strings.HasSuffix(got, "-00") {
			t.Errorf("%q: traceparent is %q", from, got)
		}
		if h.Get("Baggage") != "release=canary" {
			t.Errorf("baggage is %q", h.Get("Baggage"))
		}
	}
}

func TestBaggageThatIsWrong(t *testing.T) {
	tracing, _ := recorded(t, sampling(0))
	for _, sent := range []string{"", "=", "release", "release=%zz", strings.Repeat("a", 9000)} {
		in := tracing.Request(header("Baggage", sent))
		if got := in.Release(); got != "" {
			t.Errorf("%.20q: the release is %q", sent, got)
		}
		if got := baggage.FromContext(in.Context(t.Context(), "stable")).Member("release").Value(); got != "stable" {
			t.Errorf("%.20q: the context's release is %q", sent, got)
		}
	}
	// Whoever chooses names does not fill memory.
	for i := range 10 * maxReleases {
		tracing.Request(nil).Context(t.Context(), strings.Repeat("r", i+1))
	}
	if n := len(tracing.releases.made); n > maxReleases {
		t.Errorf("%d releases are kept", n)
	}
}
