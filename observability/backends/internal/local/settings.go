package local

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Settings say how one backend is run. The zero value is enough but for
// Config, Data and Binary.
type Settings struct {
	Binary string         // the program
	Config string         // folder with prometheus/, loki/ and jaeger/
	Data   string         // folder for all that it keeps, its log too; made where it is not
	Ports  map[string]int // by name; any free one where there is none or 0

	// Of Prometheus only.
	Targets map[string][]string // what to scrape, host:port by file of targets; alerts go to those of alertmanager
	Rules   []string            // files of rules, *.yml
	// Address of Grafana for links in alerts, without a slash at its end. Else
	// that of the environment counts, SLUICE_GRAFANA_URL, then the stack's.
	Grafana string

	// Of Alertmanager only: its configuration, else one that sends nothing.
	Receivers string
}

// ConfigFolder returns the folder of configurations in the checkout that the
// working directory is in.
func ConfigFolder() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module github.com/sluice-stream/sluice\n") {
			return filepath.Join(dir, "observability"), nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", err
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", errors.New("the configuration files are in the checkout of Sluice: run this inside it")
		}
		dir = above
	}
}

// A launch is how a prepared backend is started.
type launch struct {
	args  []string
	env   []string // beside the caller's
	ready string   // URL that answers 200 once it is
}

// A kind is one of the backends.
type kind struct {
	ports   []Port
	metrics string // the port that has /metrics
	prepare func(Settings, addresses) (launch, error)
}

// A Port is one that a backend listens on.
type Port struct {
	Name  string
	Usual int
	Use   string // "" for its own use
}

// kinds are the backends by the names of their programs.
func kinds() map[string]kind {
	return map[string]kind{
		"alertmanager": {ports: []Port{{"http", 9093, "API and page"}}, metrics: "http", prepare: alertmanager},
		"prometheus":   {ports: []Port{{"http", 9090, "API"}}, metrics: "http", prepare: prometheus},
		"loki": {ports: []Port{
			{"http", 3100, "push and query, /loki/api/v1/"},
			{"grpc", 9095, ""},
		}, metrics: "http", prepare: loki},
		"jaeger": {ports: []Port{
			{"query", 16686, "query API"},
			{"otlp-grpc", 4317, "OTLP over gRPC"},
			{"otlp-http", 4318, "OTLP over HTTP"},
			{"thrift", 14268, "Thrift over HTTP, /api/traces"},
			{"query-grpc", 16685, ""},
			{"health", 13133, ""},
			{"metrics", 8888, ""},
		}, metrics: "metrics", prepare: jaeger},
	}
}

// Names returns the backends in the order in which they are started:
// Prometheus last, since it is told where the others are.
func Names() []string { return []string{"alertmanager", "loki", "jaeger", "prometheus"} }

// Ports returns what the backend listens on.
func Ports(name string) []Port { return kinds()[name].ports }

func unknown(name string) error {
	return fmt.Errorf("no backend is called %q: there are %s", name, strings.Join(Names(), ", "))
}
