package traces

import (
	"context"
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// Incoming is the trace of a request. It is of use while the request is
// handled.
type Incoming struct {
	t      *Tracing
	header http.Header
	text   string
	parent Ref  // what the caller sent; where it sent nothing, just a trace id
	w3c    bool // it came as traceparent
	chosen bool
}

// Request returns the trace of a request, by its headers: W3C traceparent, or
// else Jaeger's uber-trace-id, or else a new one.
func (t *Tracing) Request(h http.Header) Incoming {
	in := Incoming{t: t, header: h}
	if s := first(h["Traceparent"]); s != "" {
		in.parent, in.w3c = parseTraceparent(s)
	}
	if !in.w3c {
		ok := false
		if s := first(h["Uber-Trace-Id"]); s != "" {
			in.parent, ok = parseUber(s)
		}
		if !ok {
			in.parent.ID = newTraceID()
		}
	}
	in.text = hexID(in.parent.ID) // exemplars keep it: it is no part of the header, which may be long
	in.chosen = t.sampler.head(in.parent)
	return in
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// TraceID returns the trace id, 32 hexadecimal digits.
func (in Incoming) TraceID() string { return in.text }

// Caller returns the caller's span, with the trace id alone where it sent
// none.
func (in Incoming) Caller() Ref { return in.parent }

// Sampled reports whether spans of the request are recorded.
func (in Incoming) Sampled() bool { return in.chosen }

// Release returns what release the caller's baggage says, or nothing.
func (in Incoming) Release() string { return baggageOf(in.header).Member(releaseMember).Value() }

// Context returns a context for what is done for the request: spans made from
// it are the caller's children, or begin the trace that was announced, and
// calls made with it tell others the release.
func (in Incoming) Context(ctx context.Context, release string) context.Context {
	parent := in.parent
	if !parent.valid() {
		if in.chosen {
			return marked(in.t.withRelease(ctx, in.header, release), mark{trace: parent.ID})
		}
		// Without a span that is not sampled, each span made below would be
		// one that begins a trace, and be sampled by chance.
		parent.Span = newSpanID()
	}
	return in.below(ctx, parent, release)
}

// below returns a context whose spans are the parent's children.
func (in Incoming) below(ctx context.Context, parent Ref, release string) context.Context {
	sc := parent.spanContext().WithRemote(true)
	if states := in.header["Tracestate"]; in.w3c && len(states) > 0 {
		if state, err := trace.ParseTraceState(strings.Join(states, ",")); err == nil {
			sc = sc.WithTraceState(state)
		}
	}
	return in.t.withRelease(trace.ContextWithSpanContext(ctx, sc), in.header, release)
}

// begin begins a span for the request, whatever was decided about it. A zero
// id is replaced by a new one.
func (in Incoming) begin(ctx context.Context, name, release string, own [8]byte, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	base := in.t.withRelease(ctx, in.header, release)
	from := base
	if in.parent.valid() {
		from = in.below(ctx, in.parent, release)
	}
	// The mark is for this span, so its children get a context without.
	_, span := in.t.tracer.Start(marked(from, mark{trace: in.parent.ID, span: own}), name, options...)
	return trace.ContextWithSpan(base, span), span
}

// Inject writes the trace and the baggage of a context into the headers of a
// call.
func (t *Tracing) Inject(ctx context.Context, h http.Header) {
	propagation.TraceContext{}.Inject(ctx, propagation.HeaderCarrier(h))
	propagation.Baggage{}.Inject(ctx, propagation.HeaderCarrier(h))
}
