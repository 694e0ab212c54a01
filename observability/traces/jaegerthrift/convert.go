package jaegerthrift

import (
	"encoding/binary"

	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// unknownService is what the specification says a service without a name is.
const unknownService = "unknown_service"

// process returns a resource as Jaeger has it.
func process(r *resource.Resource) *jaeger.Process {
	p := &jaeger.Process{ServiceName: unknownService}
	for _, a := range r.Attributes() {
		if a.Key == semconv.ServiceNameKey {
			if name := a.Value.AsString(); name != "" {
				p.ServiceName = name
			}
			continue
		}
		p.Tags = append(p.Tags, tag(a))
	}
	return p
}

// convert returns a span as Jaeger has it.
func convert(s sdktrace.ReadOnlySpan) *jaeger.Span {
	id := s.SpanContext().TraceID()
	j := &jaeger.Span{
		TraceIdHigh:   integer(id[:8]),
		TraceIdLow:    integer(id[8:]),
		SpanId:        spanID(s.SpanContext()),
		OperationName: s.Name(),
		Flags:         int32(s.SpanContext().TraceFlags() & trace.FlagsSampled),
		StartTime:     s.StartTime().UnixMicro(),
		// The end is truncated first, so that a child in its parent stays there.
		Duration: max(s.EndTime().UnixMicro()-s.StartTime().UnixMicro(), 0),
		Tags:     tags(s),
		Logs:     logs(s),
	}
	if s.Parent().IsValid() {
		j.ParentSpanId = spanID(s.Parent())
	}
	for _, l := range s.Links() {
		linked := l.SpanContext.TraceID()
		j.References = append(j.References, &jaeger.SpanRef{
			RefType:     jaeger.SpanRefType_FOLLOWS_FROM,
			TraceIdHigh: integer(linked[:8]),
			TraceIdLow:  integer(linked[8:]),
			SpanId:      spanID(l.SpanContext),
		})
	}
	return j
}

func spanID(sc trace.SpanContext) int64 {
	id := sc.SpanID()
	return integer(id[:])
}

func integer(id []byte) int64 { return int64(binary.BigEndian.Uint64(id)) }

// tags returns a span's attributes, and as tags what has no field.
func tags(s sdktrace.ReadOnlySpan) []*jaeger.Tag {
	all := make([]*jaeger.Tag, 0, len(s.Attributes())+6)
	for _, a := range s.Attributes() {
		// The status decides whether there was an error.
		if a.Key != "error" || s.Status().Code != codes.Error {
			all = append(all, tag(a))
		}
	}
	if scope := s.InstrumentationScope(); scope.Name != "" {
		all = append(all, text("otel.scope.name", scope.Name))
		if scope.Version != "" {
			all = append(all, text("otel.scope.version", scope.Version))
		}
	}
	switch s.SpanKind() {
	case trace.SpanKindClient, trace.SpanKindServer, trace.SpanKindProducer, trace.SpanKindConsumer:
		all = append(all, text("span.kind", s.SpanKind().String()))
	}
	switch s.Status().Code {
	case codes.Ok:
		all = append(all, text("otel.status_code", "OK"))
	case codes.Error:
		all = append(all, text("otel.status_code", "ERROR"), boolean("error", true))
		if d := s.Status().Description; d != "" {
			all = append(all, text("otel.status_description", d))
		}
	}
	all = count(all, "otel.dropped_attributes_count", s.DroppedAttributes())
	all = count(all, "otel.dropped_events_count", s.DroppedEvents())
	return count(all, "otel.dropped_links_count", s.DroppedLinks())
}

// logs returns a span's events.
func logs(s sdktrace.ReadOnlySpan) []*jaeger.Log {
	var all []*jaeger.Log
	for _, e := range s.Events() {
		l := &jaeger.Log{Timestamp: e.Time.UnixMicro()}
		named := false
		for _, a := range e.Attributes {
			named = named || a.Key == "event"
			l.Fields = append(l.Fields, tag(a))
		}
		if !named {
			l.Fields = append(l.Fields, text("event", e.Name))
		}
		l.Fields = count(l.Fields, "otel.event.dropped_attributes_count", e.DroppedAttributeCount)
		all = append(all, l)
	}
	return all
}
