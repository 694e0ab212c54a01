package traces

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// releaseKey names the release, of a process as of what a caller is pinned to.
const releaseKey = attribute.Key("sse.release")

// describe returns the resource that the spans are of.
func describe(ctx context.Context, o Options) (*resource.Resource, error) {
	env := environment(o.Getenv)
	set, err := env.attributes()
	if err != nil {
		return nil, err
	}
	if name := env.get("OTEL_SERVICE_NAME"); name != "" {
		set = append(set, semconv.ServiceName(clean(name)))
	}
	var own []attribute.KeyValue
	for _, a := range []attribute.KeyValue{
		semconv.ServiceName(o.Service),
		semconv.ServiceVersion(o.Version),
		semconv.ServiceInstanceID(o.Node),
		semconv.DeploymentEnvironmentNameKey.String(o.Environment),
		releaseKey.String(o.Release),
	} {
		if a.Value.AsString() != "" {
			own = append(own, attribute.String(string(a.Key), clean(a.Value.AsString())))
		}
	}
	r, err := resource.New(ctx,
		resource.WithSchemaURL(semconv.SchemaURL),
		resource.WithTelemetrySDK(),
		resource.WithAttributes(own...),
		resource.WithAttributes(set...), // the last of a name wins
	)
	if err != nil {
		return nil, fmt.Errorf("describing the service: %w", err)
	}
	return r, nil
}
