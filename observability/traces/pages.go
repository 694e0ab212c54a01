package traces

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"go.opentelemetry.io/contrib/zpages"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// pages keeps the latest spans of each name for a page.
//
// The page sorts what it shows in place, so it is given copies: the exporter
// reads the same spans. And it keeps samples for every name that it ever saw,
// a few for each of a dozen durations, so it sees only so many names.
type pages struct {
	spans *zpages.SpanProcessor
	page  http.Handler

	mu    sync.Mutex // guards names
	names map[string]bool
}

const (
	maxPageNames = 100
	otherName    = "other"
)

func newPages() *pages {
	p := &pages{spans: zpages.NewSpanProcessor(), names: map[string]bool{}}
	p.page = zpages.NewTracezHandler(p.spans)
	return p
}

// ServeHTTP implements http.Handler.
func (p *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.page.ServeHTTP(w, r) }

// OnStart implements sdktrace.SpanProcessor.
func (p *pages) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	p.spans.OnStart(ctx, running{s, p.name(s.Name())})
}

// OnEnd implements sdktrace.SpanProcessor.
func (p *pages) OnEnd(s sdktrace.ReadOnlySpan) {
	p.spans.OnEnd(ended{s, p.name(s.Name())})
}

// ForceFlush implements sdktrace.SpanProcessor.
func (p *pages) ForceFlush(ctx context.Context) error { return p.spans.ForceFlush(ctx) }

// Shutdown implements sdktrace.SpanProcessor.
func (p *pages) Shutdown(ctx context.Context) error { return p.spans.Shutdown(ctx) }

func (p *pages) name(name string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.names[name] {
		if len(p.names) == maxPageNames {
			return otherName
		}
		p.names[name] = true
	}
	return name
}

// running and ended are spans whose attributes may be sorted.
type running struct {
	sdktrace.ReadWriteSpan
	name string
}

func (s running) Name() string                     { return s.name }
func (s running) Attributes() []attribute.KeyValue { return slices.Clone(s.ReadWriteSpan.Attributes()) }

func (s running) Events() []sdktrace.Event { return copied(s.ReadWriteSpan.Events()) }

type ended struct {
	sdktrace.ReadOnlySpan
	name string
}

func (s ended) Name() string                     { return s.name }
func (s ended) Attributes() []attribute.KeyValue { return slices.Clone(s.ReadOnlySpan.Attributes()) }
func (s ended) Events() []sdktrace.Event         { return copied(s.ReadOnlySpan.Events()) }

// copied returns events that may be sorted, each with its attributes.
func copied(events []sdktrace.Event) []sdktrace.Event {
	events = slices.Clone(events)
	for i := range events {
		events[i].Attributes = slices.Clone(events[i].Attributes)
	}
	return events
}
