package traces

import (
	"strconv"
	"time"

	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// Forwarded is a request that an edge has handed on, as the edge's log tells of
// it: its span has ids already, which were sent on.
type Forwarded struct {
	Start, End time.Time // of a stream until its head was out, never its length
	Span       Ref
	Parent     [8]byte // the caller's; zero: the trace begins at the edge
	Method     string
	Route      string // the template
	Protocol   string // HTTP's version: 1.1, 2
	Status     int
	Remote     string // the client's address
	Topic      string
	Release    string        // that answered
	Connect    time.Duration // to the hub, 0 where a connection was kept; less: it was never connected
	Header     time.Duration // until the hub's head was there; less: it never was
}

// failed reports whether the caller got nothing, by nobody's mistake.
func (f *Forwarded) failed() bool { return f.Status >= 500 }

// Forward makes the span of a request at an edge: of one that is sampled, and
// of those that failed or were slow, as connects are kept, since the hub's spans
// below them may be kept too. It reports whether there is one.
func (t *Tracing) Forward(f Forwarded) bool {
	slow := f.End.Sub(f.Start) >= SlowConnect
	kept := !f.Span.Sampled
	if t.sampler.never || !f.Span.valid() || kept && !t.keeps(slow || f.failed()) {
		return false
	}
	ctx := contextBelow(Ref{ID: f.Span.ID, Span: f.Parent, Sampled: f.Span.Sampled})
	_, span := t.tracer.Start(marked(ctx, mark{trace: f.Span.ID, span: f.Span.Span}), f.Method+" "+f.Route,
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(f.Start))
	a := f.attributes()
	if kept {
		a.add(keptKey.Bool(true))
	}
	if slow {
		a.add(slowKey.Bool(true))
	}
	span.SetAttributes(a...)
	if f.failed() {
		fail(span, nil, strconv.Itoa(f.Status))
	}
	span.End(trace.WithTimestamp(f.End))
	return true
}

func (f *Forwarded) attributes() attributes {
	a := make(attributes, 0, 14)
	a.text(semconv.HTTPRequestMethodKey, f.Method)
	a.text(semconv.HTTPRouteKey, f.Route)
	a.text(semconv.NetworkProtocolVersionKey, f.Protocol)
	a.add(semconv.HTTPResponseStatusCode(f.Status))
	a.add(clientAddress(f.Remote)...)
	a.text(semconv.MessagingDestinationNameKey, f.Topic)
	a.text(releaseKey, f.Release)
	if f.Connect >= 0 {
		a.add(upstreamConnectKey.Float64(f.Connect.Seconds()))
	}
	if f.Header >= 0 {
		a.add(upstreamHeadKey.Float64(f.Header.Seconds()))
	}
	return a
}
