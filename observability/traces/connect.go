package traces

import (
	"context"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// SlowConnect is from when on a connect is kept for being slow. The objective
// of connects is the same.
const SlowConnect = time.Second

// Connect is a handshake that is over.
type Connect struct {
	End          time.Time // the first bytes are out
	Method       string
	Route        string // the template
	Protocol     string // HTTP's version: 1.1, 2
	Status       int
	Remote       string   // the client's address, perhaps with a port
	Topics       []string // that were asked for
	Outcomes     []string // of these
	ConnectionID string
	Release      string
	Transport    string
	// Err is why it failed. It is also failed where Status is 500 or more.
	Err error
	// Problem is the type of a rejection, which is error.type where it failed.
	Problem string
}

// failed reports whether the connect failed here, by nobody's mistake.
func (c *Connect) failed() bool { return c.Err != nil || c.Status >= 500 }

// keeps reports whether the span of a handshake that was not chosen is kept, for
// what is notable about it.
func (t *Tracing) keeps(notable bool) bool { return notable && t.budget.connects.Allow() }

// Connecting is a handshake under way.
type Connecting struct {
	in    Incoming
	start time.Time
	own   [8]byte
	span  trace.Span // nil: not chosen
}

// Connect begins an sse.connect. What is done for it gets the context that is
// returned. It has to be ended.
func (t *Tracing) Connect(ctx context.Context, in Incoming, release string, start time.Time) (context.Context, Connecting) {
	c := Connecting{in: in, start: start, own: newSpanID()}
	if !in.chosen {
		return in.Context(ctx, release), c
	}
	ctx, c.span = in.begin(ctx, SpanConnect, release, c.own, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(start))
	return ctx, c
}

// Ref returns the span. Whether it is kept is known when it is ended.
func (c Connecting) Ref() Ref {
	if c.span != nil {
		return refOf(c.span.SpanContext())
	}
	return Ref{ID: c.in.parent.ID, Span: c.own}
}

// End ends the span, and returns it with the decision whether it is kept.
func (c Connecting) End(d Connect) Ref {
	span := c.span
	slow := d.End.Sub(c.start) >= SlowConnect
	if span == nil {
		t := c.in.t
		if t.sampler.never || !t.keeps(slow || d.failed()) {
			return c.Ref()
		}
		_, span = c.in.begin(context.Background(), SpanConnect, "", c.own, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(c.start))
		span.SetAttributes(keptKey.Bool(true))
	}
	a := d.attributes()
	if slow {
		a.add(slowKey.Bool(true))
	}
	span.SetAttributes(a...)
	if d.failed() {
		what := d.Problem
		if what == "" && d.Err == nil {
			what = strconv.Itoa(d.Status)
		}
		fail(span, d.Err, what)
	}
	span.End(trace.WithTimestamp(d.End))
	return refOf(span.SpanContext())
}

func (c *Connect) attributes() attributes {
	a := make(attributes, 0, 16)
	a.text(semconv.HTTPRequestMethodKey, c.Method)
	a.text(semconv.HTTPRouteKey, c.Route)
	a.text(semconv.NetworkProtocolVersionKey, c.Protocol)
	if c.Status != 0 {
		a.add(semconv.HTTPResponseStatusCode(c.Status))
	}
	a.add(clientAddress(c.Remote)...)
	a.texts(topicsKey, c.Topics)
	a.texts(outcomesKey, c.Outcomes)
	a.text(connectionKey, c.ConnectionID)
	a.text(releaseKey, c.Release)
	a.text(transportKey, c.Transport)
	return a
}

// Replay is what a stream was sent of what was there at its handshake.
type Replay struct {
	Start, End time.Time // the end may be after that of the connect
	Topic      string
	Tier       string
	Outcome    string
	Events     uint64
	Err        error
}

// Replay makes an sse.replay below a connect that was kept.
func (t *Tracing) Replay(connect Ref, r Replay) {
	if !connect.Sampled {
		return
	}
	a := make(attributes, 0, 6)
	a.text(semconv.MessagingDestinationNameKey, r.Topic)
	a.text(tierKey, r.Tier)
	a.text(outcomeKey, r.Outcome)
	a.add(attribute.Int64(string(eventsKey), int64(r.Events)))
	t.child(connect, made{name: SpanReplay, kind: trace.SpanKindInternal, start: r.Start, end: r.End, attributes: a, err: r.Err})
}
