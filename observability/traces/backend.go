package traces

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/sluice-stream/sluice/observability/outbox"
	"github.com/sluice-stream/sluice/observability/traces/jaegerthrift"
)

// backend is an exporter, and what its errors mean.
type backend struct {
	exporter sdktrace.SpanExporter
	// lost reports whether what failed would fail again.
	lost func(context.Context, *answer, error) bool
	end  func() // frees what the exporter does not
	say  func(error)

	// Owned by the outbox's goroutine, which calls send and then refused.
	rejected int // of the batch just taken, how many spans were not
}

// newBackend returns what the options name.
func newBackend(ctx context.Context, o Options) (b *backend, err error) {
	switch o.Exporter {
	case ExporterOTLP:
		b, err = newOTLP(ctx, o)
	case ExporterJaegerThrift:
		b, err = newJaegerThrift(o)
	default:
		b, err = newStdout(o)
	}
	if err == nil {
		b.say = seldom(o.Failed, time.Minute)
	}
	return b, err
}

// send sends a batch.
func (b *backend) send(ctx context.Context, batch []queued) error {
	spans := make([]sdktrace.ReadOnlySpan, len(batch))
	for i := range batch {
		spans[i] = batch[i].span
	}
	var a answer
	err := b.exporter.ExportSpans(context.WithValue(ctx, answerKey{}, &a), spans)
	b.rejected = 0
	if err == nil {
		return nil
	}
	b.say(err)
	if n, ok := partial(err); ok {
		b.rejected = min(n, len(batch))
		return nil
	}
	if b.lost(ctx, &a, err) {
		return fmt.Errorf("%w: %w", outbox.ErrRejected, err)
	}
	return err
}

// refused returns how many of the spans just sent the backend did not take.
func (b *backend) refused() int { return b.rejected }

func (b *backend) close(ctx context.Context) {
	if err := b.exporter.Shutdown(ctx); err != nil && ctx.Err() == nil {
		b.say(fmt.Errorf("ending the exporter: %w", err))
	}
	b.end()
}

// partial reads how many spans a collector rejected of a batch that it took.
// The exporters have no other way to say it than the text.
func partial(err error) (rejected int, ok bool) {
	const begin = "OTLP partial success: "
	text := err.Error()
	at := strings.LastIndex(text, begin)
	if at < 0 {
		return 0, false
	}
	text = text[at:]
	_, err = fmt.Sscanf(text[strings.LastIndexByte(text, '(')+1:], "%d spans rejected", &rejected)
	return max(rejected, 0), err == nil
}

// lostHTTP is for exporters that use newHTTPClient.
func lostHTTP(ctx context.Context, a *answer, err error) bool {
	if !a.asked {
		return ctx.Err() == nil // it could not even be written
	}
	return refusal(a.status)
}

// lostJaeger is for the Thrift exporter.
func lostJaeger(_ context.Context, _ *answer, err error) bool {
	var answered *jaegerthrift.StatusError
	return errors.As(err, &answered) && refusal(answered.Status)
}

// refusal reports whether a status means that the request will never do.
func refusal(code int) bool {
	return code >= 400 && code < 500 && code != http.StatusTooManyRequests && code != http.StatusRequestTimeout
}

// lostGRPC is for exporters that use gRPC.
func lostGRPC(_ context.Context, _ *answer, err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied,
		codes.FailedPrecondition, codes.Unimplemented, codes.Unauthenticated:
		return true
	}
	return false
}

// seldom passes on one error in a while.
func seldom(say func(error), every time.Duration) func(error) {
	var mu sync.Mutex
	var last time.Time
	return func(err error) {
		mu.Lock()
		now := time.Now()
		due := last.IsZero() || now.Sub(last) >= every
		if due {
			last = now
		}
		mu.Unlock()
		if due {
			say(err)
		}
	}
}
