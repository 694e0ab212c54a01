package local

import (
	"path/filepath"
)

func jaeger(s Settings, at addresses) (launch, error) {
	return launch{
		args: []string{"--config=file:" + filepath.Join(s.Config, "jaeger", "jaeger.yml")},
		env: []string{
			"JAEGER_DATA=" + filepath.Join(s.Data, "data"),
			"JAEGER_LISTEN=" + host,
			"JAEGER_OTLP_GRPC_PORT=" + at.port("otlp-grpc"),
			"JAEGER_OTLP_HTTP_PORT=" + at.port("otlp-http"),
			"JAEGER_THRIFT_PORT=" + at.port("thrift"),
			"JAEGER_QUERY_PORT=" + at.port("query"),
			"JAEGER_QUERY_GRPC_PORT=" + at.port("query-grpc"),
			"JAEGER_HEALTH_PORT=" + at.port("health"),
			"JAEGER_METRICS_PORT=" + at.port("metrics"),
		},
		ready: "http://" + at["health"] + "/status",
	}, nil
}
