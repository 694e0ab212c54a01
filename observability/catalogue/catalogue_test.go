package catalogue

import (
	"slices"
	"strings"
	"testing"
)

// Labels are written as tests compare them, and each metric is some job's.
func TestMetrics(t *testing.T) {
	for name, m := range Metrics() {
		if len(m.Labels) == 0 || !slices.Contains([]string{Counter, Gauge, Histogram}, m.Type) {
			t.Errorf("%s: %+v", name, m)
		}
		for job, labels := range m.Labels {
			names := strings.Fields(labels)
			if !slices.IsSorted(names) || strings.Join(names, " ") != labels || slices.Contains(names, "job") || slices.Contains(names, "instance") {
				t.Errorf("%s of %s: %q", name, job, labels)
			}
		}
	}
}

func TestOf(t *testing.T) {
	m := Metric{Counter, map[string]string{"a": "only_a route status", "b": "route status"}}
	for _, c := range []struct{ meant, labels, jobs string }{
		{"a", "only_a route status", "a"},
		{"b", "route status", "b"},
		{"ab", "route status", "a b"},
		{"c", "", ""},
	} {
		labels, jobs := m.Of(func(job string) bool { return strings.Contains(c.meant, job) })
		if strings.Join(labels, " ") != c.labels || strings.Join(jobs, " ") != c.jobs {
			t.Errorf("%s: %v of %v", c.meant, labels, jobs)
		}
	}
}
