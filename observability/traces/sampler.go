package traces

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// mark is what this package decided about a span before it asks the SDK for
// it.
type mark struct {
	trace [16]byte // that it begins; zero: any
	span  [8]byte  // its id; zero: any
}

type markKey struct{}

// marked makes what is begun from the context recorded, with these ids.
func marked(ctx context.Context, m mark) context.Context {
	return context.WithValue(ctx, markKey{}, m)
}

// sampler decides which spans are recorded.
type sampler struct {
	follow bool   // a caller's decision holds
	below  uint64 // of 2^63 trace ids, how many are sampled
	never  bool   // nothing is recorded, whatever happened
	local  bool   // nothing is exported: record, but tell nobody that it is sampled
}

// newSampler returns what the options and OTEL_TRACES_SAMPLER say.
func newSampler(o Options) (sampler, error) {
	env := environment(o.Getenv)
	s := sampler{follow: true, local: o.Exporter == ExporterNone}
	ratio := o.Ratio
	name := env.get("OTEL_TRACES_SAMPLER")
	switch name {
	case "":
	case "always_on":
		s.follow, ratio = false, 1
	case "always_off":
		s.follow, ratio, s.never = false, 0, true
	case "parentbased_always_on":
		ratio = 1
	case "parentbased_always_off":
		ratio = 0
	case "traceidratio", "parentbased_traceidratio":
		s.follow, ratio = name != "traceidratio", 1
		if arg := env.get("OTEL_TRACES_SAMPLER_ARG"); arg != "" {
			var err error
			if ratio, err = strconv.ParseFloat(arg, 64); err != nil || !(ratio >= 0 && ratio <= 1) {
				return s, fmt.Errorf("OTEL_TRACES_SAMPLER_ARG is %q: set it to a number from 0 to 1", arg)
			}
		}
	default:
		return s, fmt.Errorf("OTEL_TRACES_SAMPLER is %q: set it to always_on, always_off, traceidratio, or to one of these behind parentbased_", name)
	}
	s.below = uint64(ratio * (1 << 63))
	if strings.EqualFold(env.get("OTEL_SDK_DISABLED"), "true") {
		s.never = true
	}
	return s, nil
}

// head decides about a request, by its caller's span, if there is one, or by
// its trace id.
func (s *sampler) head(r Ref) bool {
	switch {
	case s.never:
		return false
	case s.follow && r.Span != [8]byte{}:
		return r.Sampled
	}
	return binary.BigEndian.Uint64(r.ID[8:])>>1 < s.below
}

// ShouldSample implements sdktrace.Sampler.
func (s *sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	parent := trace.SpanFromContext(p.ParentContext)
	sc := parent.SpanContext()
	result := sdktrace.SamplingResult{Decision: sdktrace.Drop, Tracestate: sc.TraceState()}
	_, chosen := p.ParentContext.Value(markKey{}).(mark)
	switch {
	case s.never:
	case !chosen && !s.head(Ref{ID: p.TraceID, Span: sc.SpanID(), Sampled: sc.IsSampled() || parent.IsRecording()}):
	case s.local:
		result.Decision = sdktrace.RecordOnly
	default:
		result.Decision = sdktrace.RecordAndSample
	}
	return result
}

// Description implements sdktrace.Sampler.
func (s *sampler) Description() string {
	return fmt.Sprintf("Sluice{follow:%t,ratio:%g}", s.follow, float64(s.below)/(1<<63))
}

// ids gives spans the ids that were announced.
type ids struct{}

// NewIDs implements sdktrace.IDGenerator.
func (ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	m, _ := ctx.Value(markKey{}).(mark)
	if m.trace == [16]byte{} {
		m.trace = newTraceID()
	}
	if m.span == [8]byte{} {
		m.span = newSpanID()
	}
	return m.trace, m.span
}

// NewSpanID implements sdktrace.IDGenerator.
func (ids) NewSpanID(ctx context.Context, _ trace.TraceID) trace.SpanID {
	if m, _ := ctx.Value(markKey{}).(mark); m.span != [8]byte{} {
		return m.span
	}
	return newSpanID()
}
