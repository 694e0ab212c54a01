// Package jaegerthrift exports spans to Jaeger collectors that have no OTLP:
// as Thrift over HTTP, which every Jaeger takes on port 14268, written with
// what is left of Jaeger's own retired client.
//
// The mapping is that of the OpenTelemetry specification, "OpenTelemetry to
// Jaeger Transformation": the resource becomes the process, attributes become
// tags, the kind is the tag span.kind, the status the tags otel.status_code,
// otel.status_description and error, events become logs, links become
// references FOLLOWS_FROM, and what was dropped for the span limits is counted
// in tags.
//
// The format has no place for some of it, which is lost: the trace state,
// attributes of links and whether what they link to was sampled, the flags of
// the parent, schema URLs, attributes of the instrumentation scope, fractions
// of microseconds, and the difference between a list and its JSON text: lists
// and maps become texts, and in them a number that JSON has no word for is
// quoted. A span without a kind can't be told from an internal one.
package jaegerthrift
