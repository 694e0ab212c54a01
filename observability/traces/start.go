package traces

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// scope names what makes the spans.
const scope = "github.com/sluice-stream/sluice/observability/traces"

// Tracing records spans and sends them. Its methods are safe for concurrent
// use, and none but Close waits for anything.
type Tracing struct {
	sampler  sampler
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	queue    *queue // nil: nothing is exported
	pages    *pages
	budget   *budget
	releases releases
	close    sync.Once
}

// Start begins to record spans, until Close. Whether the backend is there
// makes no difference to it.
func Start(ctx context.Context, o Options) (*Tracing, error) {
	o, err := o.complete()
	if err != nil {
		return nil, err
	}
	t := &Tracing{pages: newPages(), budget: newBudget()}
	if t.sampler, err = newSampler(o); err != nil {
		return nil, err
	}
	resource, err := describe(ctx, o)
	if err != nil {
		return nil, err
	}
	options := []sdktrace.TracerProviderOption{
		sdktrace.WithResource(resource),
		sdktrace.WithSampler(&t.sampler),
		sdktrace.WithIDGenerator(ids{}),
		sdktrace.WithRawSpanLimits(limits()),
		sdktrace.WithSpanProcessor(t.pages),
	}
	if !t.sampler.local && !t.sampler.never {
		if t.queue, err = newQueue(ctx, o); err != nil {
			return nil, fmt.Errorf("the trace exporter %s: %w", o.Exporter, err)
		}
		options = append(options, sdktrace.WithSpanProcessor(t.queue))
	}
	t.provider = sdktrace.NewTracerProvider(options...)
	t.tracer = t.provider.Tracer(scope, trace.WithInstrumentationVersion(o.Version), trace.WithSchemaURL(semconv.SchemaURL))
	return t, nil
}

// Provider is for the instrumentation of libraries, whose spans become
// children of those made here.
func (t *Tracing) Provider() trace.TracerProvider { return t.provider }

// Depth returns how many spans wait to be sent.
func (t *Tracing) Depth() int {
	if t.queue == nil {
		return 0
	}
	return t.queue.outbox.Depth()
}

// Tracez returns the page of the latest spans, by latency and by error.
func (t *Tracing) Tracez() http.Handler { return t.pages }

// Close sends what waits, as far as the time of ctx allows, and drops the
// rest. It returns by then whatever the backend does. Spans that end later are
// dropped.
func (t *Tracing) Close(ctx context.Context) {
	t.close.Do(func() {
		if t.queue != nil {
			t.queue.close(ctx)
		}
		// Nothing is left that could take time or fail.
		_ = t.provider.Shutdown(context.Background())
	})
}
