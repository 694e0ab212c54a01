package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sluice-stream/sluice/observability/catalogue"
)

// foreign are the metrics of others that rules and runbooks use, with the
// labels that they have beside job and instance.
var foreign = map[string]string{
	"up":     "",
	"ALERTS": "alertname alertstate tier severity objective window topic_class",

	"process_cpu_seconds_total":                         "",
	"process_open_fds":                                  "",
	"process_max_fds":                                   "",
	"process_resident_memory_bytes":                     "",
	"process_start_time_seconds":                        "",
	"go_gc_gomemlimit_bytes":                            "",
	"go_memory_classes_total_bytes":                     "",
	"go_memory_classes_heap_released_bytes":             "",
	"prometheus_config_last_reload_successful":          "",
	"prometheus_notifications_alertmanagers_discovered": "",
	"prometheus_notifications_errors_total":             "alertmanager",
	"prometheus_rule_evaluation_failures_total":         "rule_group",
	"alertmanager_config_last_reload_successful":        "",
	"alertmanager_notifications_failed_total":           "integration reason",
}

// known returns the labels of every series that a query may name.
func known(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	add := func(name string, names []string) {
		found[name] = append([]string{"job", "instance"}, names...)
	}
	for name, labels := range foreign {
		add(name, strings.Fields(labels))
	}
	for name, m := range catalogue.Metrics() {
		names := strings.Fields(m.Labels)
		if m.Type != catalogue.Histogram {
			add(name, names)
			continue
		}
		add(name+"_count", names)
		add(name+"_sum", names)
		add(name+"_bucket", append([]string{"le"}, names...))
	}
	for _, r := range allRules(t) {
		if r.Record != "" {
			add(r.Record, []string{"objective", "topic_class"}) // which all together have not
		}
	}
	return found
}

// selectors returns what an expression reads, by the names of series.
func selectors(e parser.Expr) map[string][]*labels.Matcher {
	found := map[string][]*labels.Matcher{}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			found[v.Name] = append(found[v.Name], v.LabelMatchers...)
		}
		return nil
	})
	return found
}

// checkQuery wants series and labels of an expression to exist.
func checkQuery(t *testing.T, where string, e parser.Expr, known map[string][]string) {
	t.Helper()
	all := map[string]bool{} // labels of what is read
	for name, matchers := range selectors(e) {
		has, ok := known[name]
		if !ok {
			t.Errorf("%s: there is no metric %s", where, name)
		}
		for _, m := range matchers {
			if m.Name != labels.MetricName && !slices.Contains(has, m.Name) {
				t.Errorf("%s: %s has no label %s, it has %v", where, name, m.Name, has)
			}
		}
		for _, l := range has {
			all[l] = true
		}
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if a, ok := n.(*parser.AggregateExpr); ok {
			for _, l := range a.Grouping {
				if !all[l] {
					t.Errorf("%s: groups by %s, which nothing has: %v", where, l, slices.Sorted(maps.Keys(all)))
				}
			}
		}
		return nil
	})
}

// Rules read what there is, group by labels that it has, and leave stress out
// where they can.
func TestRulesReadWhatThereIs(t *testing.T) {
	known := known(t)
	for _, r := range allRules(t) {
		checkQuery(t, r.file+": "+r.Alert+r.Record, r.parsed, known)
		for name, matchers := range selectors(r.parsed) {
			tellsStress := slices.Contains(known[name], "topic_class")
			recorded := strings.HasPrefix(name, "objective:")                             // which leaves it out itself
			if !tellsStress || recorded || name == "ALERTS" || r.Alert == "GapsDamaged" { // a disk is damaged for everybody
				continue
			}
			left := slices.ContainsFunc(matchers, func(m *labels.Matcher) bool {
				return m.Name == "topic_class" && m.Type == labels.MatchNotEqual && m.Value == "stress"
			})
			if !left {
				t.Errorf("%s%s: %s does not leave out stress", r.Alert, r.Record, name)
			}
		}
	}
}

var labelInText = regexp.MustCompile(`\$labels\.(\w+)`)

// Texts of alerts name labels that the alert has.
func TestTextsNameLabelsThatAreThere(t *testing.T) {
	known := known(t)
	for _, r := range alertRules(t) {
		has := map[string]bool{}
		for name := range selectors(r.parsed) {
			for _, l := range known[name] {
				has[l] = true
			}
		}
		parser.Inspect(r.parsed, func(n parser.Node, path []parser.Node) error {
			if a, ok := n.(*parser.AggregateExpr); ok && !a.Without {
				for l := range has {
					if !slices.Contains(a.Grouping, l) && topmost(n, path) {
						delete(has, l)
					}
				}
			}
			return nil
		})
		for _, text := range r.Annotations {
			for _, m := range labelInText.FindAllStringSubmatch(text, -1) {
				if !has[m[1]] {
					t.Errorf("%s names the label %s, which it does not have", r.Alert, m[1])
				}
			}
		}
	}
}

// topmost reports whether nothing above aggregates again, or takes a node only
// to choose what else it keeps.
func topmost(n parser.Node, path []parser.Node) bool {
	for i, above := range path {
		switch above := above.(type) {
		case *parser.AggregateExpr:
			return false
		case *parser.BinaryExpr:
			chooses := above.Op == parser.LAND || above.Op == parser.LUNLESS
			if below := append(path[i+1:len(path):len(path)], n)[0]; chooses && below == parser.Node(above.RHS) {
				return false
			}
		}
	}
	return true
}
