package traces

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"
)

// Ref names a span. The zero Ref is none.
type Ref struct {
	ID      [16]byte // of the trace
	Span    [8]byte
	Sampled bool
}

// ParseRef reads the text that a Ref has as W3C traceparent.
func ParseRef(traceparent string) (Ref, bool) { return parseTraceparent(traceparent) }

// TraceID returns the trace id in hexadecimal digits, or nothing for none.
func (r Ref) TraceID() string {
	if r.ID == [16]byte{} {
		return ""
	}
	return hexID(r.ID)
}

// Traceparent returns the text that says this in a header or an event, or
// nothing where the trace is not sampled.
func (r Ref) Traceparent() string {
	if !r.Sampled || !r.valid() {
		return ""
	}
	text := [traceparentLen]byte{0: '0', 1: '0', 2: '-', 35: '-', 52: '-', 53: '0', 54: '1'}
	hex.Encode(text[3:35], r.ID[:])
	hex.Encode(text[36:52], r.Span[:])
	return string(text[:])
}

func (r Ref) valid() bool { return r.ID != [16]byte{} && r.Span != [8]byte{} }

func (r Ref) spanContext() trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: r.ID, SpanID: r.Span, TraceFlags: trace.TraceFlags(0).WithSampled(r.Sampled),
	})
}

func refOf(sc trace.SpanContext) Ref {
	return Ref{ID: sc.TraceID(), Span: sc.SpanID(), Sampled: sc.IsSampled()}
}

func hexID(id [16]byte) string {
	var text [32]byte
	hex.Encode(text[:], id[:])
	return string(text[:])
}

// Ids are names, not secrets.

func newTraceID() (id [16]byte) {
	for id == [16]byte{} {
		binary.BigEndian.PutUint64(id[:8], rand.Uint64())
		binary.BigEndian.PutUint64(id[8:], rand.Uint64())
	}
	return id
}

func newSpanID() (id [8]byte) {
	for id == [8]byte{} {
		binary.BigEndian.PutUint64(id[:], rand.Uint64())
	}
	return id
}
