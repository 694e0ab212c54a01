package traces

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	rpcstatus "google.golang.org/grpc/status"

	"github.com/sluice-stream/sluice/observability/outbox"
)

// collector is a gRPC server that answers what a test wants.
type collector struct {
	coltrace.UnimplementedTraceServiceServer
	code     atomic.Uint32
	rejected int64
	spans    atomic.Int64
	asked    atomic.Value // the authorization
}

func (c *collector) Export(ctx context.Context, r *coltrace.ExportTraceServiceRequest) (*coltrace.ExportTraceServiceResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	c.asked.Store(fmt.Sprint(md["authorization"]))
	if code := codes.Code(c.code.Load()); code != codes.OK {
		return nil, rpcstatus.Error(code, "as the test wants it")
	}
	for _, rs := range r.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			c.spans.Add(int64(len(ss.Spans)))
		}
	}
	answer := &coltrace.ExportTraceServiceResponse{}
	if c.rejected > 0 {
		answer.PartialSuccess = &coltrace.ExportTracePartialSuccess{RejectedSpans: c.rejected, ErrorMessage: "too odd"}
	}
	return answer, nil
}

func (c *collector) serve(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	coltrace.RegisterTraceServiceServer(server, c)
	done := make(chan error)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

func TestGRPCStatuses(t *testing.T) {
	t.Parallel()
	for code, reason := range map[codes.Code]string{
		codes.InvalidArgument:   outbox.Rejected,
		codes.Unauthenticated:   outbox.Rejected,
		codes.PermissionDenied:  outbox.Rejected,
		codes.Unimplemented:     outbox.Rejected,
		codes.Unavailable:       outbox.Unavailable,
		codes.ResourceExhausted: outbox.Unavailable,
		codes.Internal:          outbox.Unavailable,
	} {
		t.Run(code.String(), func(t *testing.T) {
			t.Parallel()
			backend := &collector{}
			backend.code.Store(uint32(code))
			var c counts
			tracing := start(t, &c, exporters(backend.serve(t))["otlp grpc"])
			publish(tracing, 5)
			within(t, 10*time.Second, "the spans are given up", func() error {
				if _, dropped, _ := c.get(); dropped[reason] != 5 {
					return fmt.Errorf("dropped %v, want %s", dropped, reason)
				}
				return nil
			})
			backend.code.Store(uint32(codes.OK)) // it is well again
			publish(tracing, 7)
			end(t, tracing, &c, 12, 5*time.Second)
			if sent, _, _ := c.get(); sent != 7 || backend.spans.Load() != 7 {
				t.Errorf("%d sent and %d came, want 7", sent, backend.spans.Load())
			}
		})
	}
}

func TestGRPCPartialSuccess(t *testing.T) {
	t.Parallel()
	backend := &collector{rejected: 2}
	var c counts
	tracing := start(t, &c, Options{Exporter: "otlp", Ratio: 1, Getenv: variables(
		"OTEL_EXPORTER_OTLP_ENDPOINT", "http://"+backend.serve(t), "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc",
		"OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20eA==", "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")})
	publish(tracing, 5)
	end(t, tracing, &c, 5, 5*time.Second)
	if sent, dropped, _ := c.get(); sent != 3 || dropped[outbox.Rejected] != 2 {
		t.Errorf("%d sent, dropped %v", sent, dropped)
	}
	if backend.asked.Load() != "[Basic eA==]" {
		t.Errorf("asked as %v", backend.asked.Load())
	}
}
