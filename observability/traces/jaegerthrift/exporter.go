package jaegerthrift

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/uber/jaeger-client-go/thrift"
	"github.com/uber/jaeger-client-go/thrift-gen/jaeger"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Options say where spans go. Endpoint must be set.
type Options struct {
	// Endpoint is that of the collector, http://host:14268/api/traces. The
	// query that names the format is added unless it is there.
	Endpoint *url.URL
	Client   *http.Client // whose time-out holds; nil: http.DefaultClient
	// Basic authentication, unless the user is empty.
	User, Password string
}

// Exporter is an sdktrace.SpanExporter. A call of ExportSpans sends one
// request for each resource among the spans, so one, and does not retry.
type Exporter struct {
	client         *http.Client
	url            string
	user, password string
	stopped        atomic.Bool
}

// StatusError is an answer of the collector that is not a success.
type StatusError struct {
	Status int
	Body   string // the beginning of it
}

// Error implements error.
func (e *StatusError) Error() string {
	text := fmt.Sprintf("the collector answered %d %s", e.Status, http.StatusText(e.Status))
	if e.Body != "" {
		text += fmt.Sprintf(": %q", e.Body)
	}
	return text
}

// New returns an exporter.
func New(o Options) *Exporter {
	u := *o.Endpoint
	query := u.Query()
	if !query.Has("format") {
		query.Set("format", "jaeger.thrift")
		u.RawQuery = query.Encode()
	}
	if o.Client == nil {
		o.Client = http.DefaultClient
	}
	return &Exporter{client: o.Client, url: u.String(), user: o.User, password: o.Password}
}

var errStopped = errors.New("the exporter has been shut down")

// ExportSpans implements sdktrace.SpanExporter.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if e.stopped.Load() {
		return errStopped
	}
	for _, batch := range batches(spans) {
		if err := e.send(ctx, batch); err != nil {
			return fmt.Errorf("sending spans to Jaeger: %w", err)
		}
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (e *Exporter) Shutdown(context.Context) error {
	e.stopped.Store(true)
	return nil
}

// batches returns a batch for each resource.
func batches(spans []sdktrace.ReadOnlySpan) []*jaeger.Batch {
	var all []*jaeger.Batch
	of := map[attribute.Distinct]*jaeger.Batch{}
	for _, s := range spans {
		r := s.Resource()
		batch := of[r.Equivalent()]
		if batch == nil {
			batch = &jaeger.Batch{Process: process(r)}
			of[r.Equivalent()] = batch
			all = append(all, batch)
		}
		batch.Spans = append(batch.Spans, convert(s))
	}
	return all
}

func (e *Exporter) send(ctx context.Context, batch *jaeger.Batch) error {
	buffer := thrift.NewTMemoryBuffer()
	if err := batch.Write(ctx, thrift.NewTBinaryProtocolConf(buffer, &thrift.TConfiguration{})); err != nil {
		return fmt.Errorf("encoding: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, buffer.Buffer)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-thrift")
	if e.user != "" {
		request.SetBasicAuth(e.user, e.password)
	}
	response, err := e.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	// Read on some, so that the connection can be used again.
	body, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if response.StatusCode/100 != 2 {
		const most = 200
		text := strings.ToValidUTF8(strings.TrimSpace(string(body[:min(len(body), most)])), "")
		return &StatusError{Status: response.StatusCode, Body: text}
	}
	return nil
}
