package traces

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/sluice-stream/sluice/observability/outbox"
)

// Spans of others may be large: what waits is bounded in bytes too, and the
// attributes of one span in what they hold.
func TestQueueIsBoundedInBytes(t *testing.T) {
	large := attribute.String("text", strings.Repeat("x", 100_000))
	for name, row := range map[string]struct {
		fill func(trace.Span)
		size int // of a span, about
	}{
		"attributes": {func(s trace.Span) {
			for i := range 100 {
				s.SetAttributes(attribute.String(fmt.Sprint("key ", i), large.Value.AsString()))
			}
		}, 64 * 1024},
		"events": {func(s trace.Span) {
			for i := range 100 {
				s.AddEvent(fmt.Sprint("event ", i), trace.WithAttributes(large))
			}
		}, 16 * 100_000},
	} {
		var c counts
		o := exporters(silent(t))["otlp http"]
		o.Getenv = also(o.Getenv, "OTEL_BSP_EXPORT_TIMEOUT", "60000")
		tracing := start(t, &c, o)
		const spans = 500
		for range spans {
			_, s := tracing.Provider().Tracer("store").Start(t.Context(), "get")
			row.fill(s)
			s.End()
		}
		if d := tracing.Depth(); d > QueueBytes/row.size || d < QueueBytes/row.size/2 {
			t.Errorf("%s: %d spans of %d bytes wait in %d", name, d, row.size, QueueBytes)
		}
		end(t, tracing, &c, spans, 300*time.Millisecond)
		if _, dropped, _ := c.get(); dropped[outbox.QueueFull] == 0 {
			t.Errorf("%s: dropped %v", name, dropped)
		}
	}
}

// Each kind of value counts with what it holds.
func TestSizeOfValue(t *testing.T) {
	for _, v := range []attribute.Value{
		attribute.StringValue(strings.Repeat("x", 80)), attribute.ByteSliceValue(make([]byte, 80)), attribute.Int64SliceValue(make([]int64, 10)),
		attribute.Float64SliceValue(make([]float64, 10)), attribute.BoolSliceValue(make([]bool, 80)),
		attribute.StringSliceValue([]string{strings.Repeat("x", 64)}), attribute.SliceValue(attribute.StringValue(strings.Repeat("x", 48))),
		attribute.MapValue(attribute.String("k", strings.Repeat("x", 31))),
	} {
		if got := sizeOfValue(v); got != 80 {
			t.Errorf("%v: %d bytes, want 80", v.Type(), got)
		}
	}
	if got := sizeOfValue(attribute.IntValue(7)); got != 0 {
		t.Errorf("a number holds %d bytes beside itself", got)
	}
}

// A flush waits for what ended before it, as long as it may.
func TestForceFlush(t *testing.T) {
	var c counts
	o := exporters(silent(t))["otlp http"]
	tracing := start(t, &c, o)
	publish(tracing, 1)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := tracing.provider.ForceFlush(ctx); err == nil {
		t.Error("a span that nobody took was flushed")
	}
	end(t, tracing, &c, 1, 100*time.Millisecond)
}
