package traces

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"

	"github.com/sluice-stream/sluice/observability/traces/jaegerthrift"
)

// otlp is what the variables of the OTLP exporters say. Their own retries stay
// off: those of the queue, which know when the service ends, are enough.
type otlp struct {
	protocol string
	endpoint *url.URL
	headers  map[string]string
	timeout  time.Duration
	gzip     bool
	tls      *tls.Config
}

func newOTLP(ctx context.Context, o Options) (*backend, error) {
	s, err := otlpSettings(environment(o.Getenv))
	if err != nil {
		return nil, err
	}
	if s.protocol == "grpc" {
		return s.grpc(ctx)
	}
	return s.http(ctx)
}

func otlpSettings(env environment) (s otlp, err error) {
	const traces, all = "OTEL_EXPORTER_OTLP_TRACES_", "OTEL_EXPORTER_OTLP_"
	name, protocol := env.first(traces+"PROTOCOL", all+"PROTOCOL")
	switch s.protocol = protocol; protocol {
	case "":
		s.protocol = "http/protobuf"
	case "http/protobuf", "http/json", "grpc":
	default:
		return s, fmt.Errorf("%s is %q: set it to http/protobuf, http/json or grpc", name, protocol)
	}
	if s.endpoint, err = s.address(env); err != nil {
		return s, err
	}
	headers, err := env.pairs(traces+"HEADERS", all+"HEADERS")
	if err != nil {
		return s, err
	}
	s.headers = make(map[string]string, len(headers))
	for _, h := range headers {
		s.headers[h[0]] = h[1]
	}
	if s.timeout, err = env.milliseconds(10*time.Second, traces+"TIMEOUT", all+"TIMEOUT"); err != nil {
		return s, err
	}
	name, compression := env.first(traces+"COMPRESSION", all+"COMPRESSION")
	switch compression {
	case "", "none":
	case "gzip":
		s.gzip = true
	default:
		return s, fmt.Errorf("%s is %q: set it to gzip or none", name, compression)
	}
	s.tls, err = env.tlsConfig()
	return s, err
}

// address returns where to send: the path of the signal is added to the
// variable for all signals, and not to that for traces.
func (s otlp) address(env environment) (*url.URL, error) {
	const traces, all = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"
	name, text := env.first(traces, all)
	if name == "" {
		name, text = all, "http://localhost:4318"
		if s.protocol == "grpc" {
			text = "http://localhost:4317"
		}
	}
	u, err := endpoint(name, text)
	if err == nil && name == all {
		u = u.JoinPath("v1", "traces")
	}
	return u, err
}

func (s otlp) http(ctx context.Context) (*backend, error) {
	client, end := newHTTPClient(s.timeout, s.tls)
	options := []otlptracehttp.Option{
		otlptracehttp.WithEndpointURL(s.endpoint.String()),
		otlptracehttp.WithHeaders(s.headers),
		otlptracehttp.WithTimeout(s.timeout),
		otlptracehttp.WithHTTPClient(client),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{}),
		otlptracehttp.WithCompression(otlptracehttp.NoCompression),
	}
	if s.gzip {
		options = append(options, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	}
	if s.protocol == "http/json" {
		options = append(options, otlptracehttp.WithEncoding(otlptracehttp.EncodingJSON))
	}
	exporter, err := otlptrace.New(ctx, otlptracehttp.NewClient(options...))
	return &backend{exporter: exporter, lost: lostHTTP, end: end}, err
}

func (s otlp) grpc(ctx context.Context) (*backend, error) {
	options := []otlptracegrpc.Option{
		otlptracegrpc.WithEndpointURL(s.endpoint.String()),
		otlptracegrpc.WithHeaders(s.headers),
		otlptracegrpc.WithTimeout(s.timeout),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{}),
		// By default a collector that comes back is noticed after 2 minutes.
		otlptracegrpc.WithDialOption(grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: time.Second, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 10 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		})),
	}
	if s.gzip {
		options = append(options, otlptracegrpc.WithCompressor("gzip"))
	}
	if s.endpoint.Scheme == "https" {
		options = append(options, otlptracegrpc.WithTLSCredentials(credentials.NewTLS(s.tls)))
	}
	exporter, err := otlptrace.New(ctx, otlptracegrpc.NewClient(options...))
	return &backend{exporter: exporter, lost: lostGRPC, end: func() {}}, err
}

func newJaegerThrift(o Options) (*backend, error) {
	env := environment(o.Getenv)
	const name = "OTEL_EXPORTER_JAEGER_ENDPOINT"
	text := env.get(name)
	if text == "" {
		text = "http://localhost:14268/api/traces"
	}
	u, err := endpoint(name, text)
	if err != nil {
		return nil, err
	}
	timeout, err := env.milliseconds(10*time.Second, "OTEL_EXPORTER_JAEGER_TIMEOUT")
	if err != nil {
		return nil, err
	}
	client, end := newHTTPClient(timeout, nil)
	exporter := jaegerthrift.New(jaegerthrift.Options{
		Endpoint: u, Client: client,
		User: env.get("OTEL_EXPORTER_JAEGER_USER"), Password: env.get("OTEL_EXPORTER_JAEGER_PASSWORD"),
	})
	return &backend{exporter: exporter, lost: lostJaeger, end: end}, nil
}

func newStdout(o Options) (*backend, error) {
	exporter, err := stdouttrace.New(stdouttrace.WithWriter(o.Stdout))
	never := func(context.Context, *answer, error) bool { return false }
	return &backend{exporter: exporter, lost: never, end: func() {}}, err
}
