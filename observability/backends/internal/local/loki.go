package local

import (
	"path/filepath"
)

func loki(s Settings, at addresses) (launch, error) {
	return launch{
		args: []string{
			"-config.file=" + filepath.Join(s.Config, "loki", "loki.yml"),
			"-config.expand-env=true",
		},
		env: []string{
			"LOKI_DATA=" + filepath.Join(s.Data, "data"),
			"LOKI_LISTEN=" + host,
			"LOKI_HTTP_PORT=" + at.port("http"),
			"LOKI_GRPC_PORT=" + at.port("grpc"),
		},
		ready: "http://" + at["http"] + "/ready",
	}, nil
}
