package pinned

import (
	"fmt"
	"strings"
	"time"
)

// A Program is one executable and how it is built.
type Program struct {
	Name    string // what "backends build" calls it
	Module  string // Go module that has it
	Version string // of the module
	Release string // what the program calls itself
	Package string // of its main, below the module
	Tags    string // build tags
	Stamp   string // variable that tells the program its release
	Extra   string // lines of its go.mod beside the requirement

	OnPath []string      // names that an installed one goes by
	Least  string        // oldest release that does
	Ask    string        // argument that makes it say its release
	Cold   time.Duration // what a first build took on two cores, about
}

// Programs returns all there are, the quick ones first.
func Programs() []Program {
	prometheus := Program{
		Name: "prometheus", Module: "github.com/prometheus/prometheus", Version: "v0.316.0", Release: "3.16.0",
		Package: "cmd/prometheus", Stamp: "github.com/prometheus/common/version.Version",
		Tags:   "remove_all_sd", // one kind of service discovery needs a module that is not to be had
		OnPath: []string{"prometheus"},
		Least:  "3.8.0", // scrape_native_histograms
		Ask:    "--version", Cold: 4 * time.Minute,
	}
	promtool := prometheus
	promtool.Name, promtool.Package, promtool.OnPath = "promtool", "cmd/promtool", []string{"promtool"}
	promtool.Cold = time.Minute
	return []Program{
		{
			// Later modules come without their page, which is compiled in.
			Name: "alertmanager", Module: "github.com/prometheus/alertmanager", Version: "v0.28.1", Release: "0.28.1",
			Package: "cmd/alertmanager", Stamp: prometheus.Stamp,
			OnPath: []string{"alertmanager", "prometheus-alertmanager"}, Least: "0.27.0",
			Ask: "--version", Cold: 2 * time.Minute,
		},
		prometheus, promtool,
		{
			Name: "jaeger", Module: "github.com/jaegertracing/jaeger", Version: "v1.76.0", Release: "2.13.0",
			Package: "cmd/jaeger", Stamp: "github.com/jaegertracing/jaeger/internal/version.latestVersion",
			Extra:  "replace github.com/Shopify/sarama => github.com/Shopify/sarama v1.33.0\n",
			OnPath: []string{"jaeger"}, Least: "2.10.0",
			Ask: "version", Cold: 10 * time.Minute,
		},
		{
			Name: "loki", Module: "github.com/grafana/loki/v3", Version: "v3.7.8", Release: "3.7.8",
			Package: "cmd/loki", Stamp: "github.com/grafana/loki/v3/pkg/util/build.Version",
			Extra:  lokiExtra,
			OnPath: []string{"loki"}, Least: "3.4.0",
			Ask: "-version", Cold: 10 * time.Minute,
		},
	}
}

// lokiExtra is what Loki's own go.mod replaces and excludes, with the one
// module that is a folder there taken from the proxy.
const lokiExtra = `exclude k8s.io/client-go v8.0.0+incompatible

replace (
	github.com/Azure/azure-sdk-for-go => github.com/Azure/azure-sdk-for-go v68.0.0+incompatible
	github.com/Azure/azure-storage-blob-go => github.com/MasslessParticle/azure-storage-blob-go v0.14.1-0.20240322194317-344980fda573
	github.com/gocql/gocql => github.com/grafana/gocql v0.0.0-20200605141915-ba5dc39ece85
	github.com/grafana/loki/pkg/push => github.com/grafana/loki/pkg/push v0.0.0-20250630054201-94c0ba7b0952
	github.com/grafana/regexp => github.com/grafana/regexp v0.0.0-20240518133315-a468a5bfb3bc
	github.com/hashicorp/memberlist => github.com/grafana/memberlist v0.3.1-0.20251126142931-6f9f62ab6f86
	github.com/influxdata/go-syslog/v3 => github.com/leodido/go-syslog/v4 v4.3.0
	github.com/thanos-io/objstore => github.com/grafana/objstore v0.0.0-20250728171719-b5d3b766d1b0
)
`

// Named returns the programs of these names, all where there are none.
func Named(names ...string) ([]Program, error) {
	all := Programs()
	if len(names) == 0 {
		return all, nil
	}
	var found []Program
	for _, name := range names {
		p, ok := find(all, name)
		if !ok {
			return nil, fmt.Errorf("no backend is called %q: there are %s", name, nameAll(all))
		}
		found = append(found, p)
	}
	return found, nil
}

func find(all []Program, name string) (Program, bool) {
	for _, p := range all {
		if p.Name == name {
			return p, true
		}
	}
	return Program{}, false
}

func nameAll(all []Program) string {
	var names []string
	for _, p := range all {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

// goMod is the module that the program is built in.
func (p Program) goMod() string {
	return fmt.Sprintf("module backend\n\ngo 1.26.0\n\nrequire %s %s\n\n%s", p.Module, p.Version, p.Extra)
}
