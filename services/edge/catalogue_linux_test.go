package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/observability/catalogue"
)

// The edge has the metrics of the catalogue from its start, with these labels,
// and no others of its own.
func TestCatalogue(t *testing.T) {
	e := newEdge(t, newNames(t), "1", "--releases", "stable,canary")
	_, text := ask(t, "GET", e.admin+"/metrics", "")
	types := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (\S+) (\S+)$`).FindAllStringSubmatch(text, -1) {
		types[m[1]] = m[2]
	}
	label := regexp.MustCompile(`(\w+)="`)
	labels := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? \S+`).FindAllStringSubmatch(text, -1) {
		name := m[1]
		for _, end := range []string{"_bucket", "_sum", "_count"} {
			if base, ok := strings.CutSuffix(name, end); ok && types[base] == catalogue.Histogram {
				name = base
			}
		}
		var all []string
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			if l[1] != "le" {
				all = append(all, l[1])
			}
		}
		slices.Sort(all)
		labels[name] = strings.Join(all, " ")
	}
	for name, m := range catalogue.Metrics() {
		want, ours := m.Labels[catalogue.Edge]
		if got, there := labels[name]; there != ours || ours && (got != want || types[name] != m.Type) {
			t.Errorf("%s: there %v, of type %q with %q; in the catalogue %v, %q with %q", name, there, types[name], got, ours, m.Type, want)
		}
	}
	for name := range labels {
		if _, known := catalogue.Metrics()[name]; !known && !regexp.MustCompile(`^(go|process|promhttp)_`).MatchString(name) {
			t.Errorf("%s is not in the catalogue", name)
		}
	}
}
