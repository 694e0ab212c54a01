package traces

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// made is a span that is made when what it is about is over.
type made struct {
	name       string
	kind       trace.SpanKind
	start, end time.Time
	attributes attributes
	links      []trace.Link
	err        error
	what       string // error.type; empty: the error's type
}

// child makes a span below another that is recorded.
func (t *Tracing) child(parent Ref, m made) Ref {
	return t.finish(marked(contextBelow(parent), mark{}), m)
}

// below makes a span below one that is under way.
func (t *Tracing) below(parent trace.Span, m made) {
	t.finish(trace.ContextWithSpan(context.Background(), parent), m)
}

// contextBelow returns a context whose spans are below one of another process,
// or begin a trace where that is none.
func contextBelow(parent Ref) context.Context {
	if !parent.valid() {
		return context.Background()
	}
	return trace.ContextWithRemoteSpanContext(context.Background(), parent.spanContext())
}

// root makes a span that begins a trace.
func (t *Tracing) root(m made) Ref { return t.finish(marked(context.Background(), mark{}), m) }

func (t *Tracing) finish(ctx context.Context, m made) Ref {
	_, span := t.tracer.Start(ctx, m.name, trace.WithSpanKind(m.kind), trace.WithTimestamp(m.start),
		trace.WithLinks(m.links...), trace.WithAttributes(m.attributes...))
	fail(span, m.err, m.what)
	span.End(trace.WithTimestamp(m.end))
	return refOf(span.SpanContext())
}

// fail gives a span the status of an error, unless there is none. What says
// its type, where that is known.
func fail(span trace.Span, err error, what string) {
	if err == nil && what == "" {
		return
	}
	description := what
	if err != nil {
		description = err.Error()
	}
	span.SetStatus(codes.Error, clean(short(description, maxDescription)))
	if what != "" {
		span.SetAttributes(semconv.ErrorTypeKey.String(clean(what)))
		return
	}
	span.SetAttributes(semconv.ErrorType(err))
}

// linksTo returns links to those of some spans that are recorded.
func linksTo(refs ...Ref) []trace.Link {
	var links []trace.Link
	for _, r := range refs {
		if r.Sampled && r.valid() {
			links = append(links, trace.Link{SpanContext: r.spanContext()})
		}
	}
	return links
}
