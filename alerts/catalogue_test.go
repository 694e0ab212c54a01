package main

import (
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

// known returns the labels of every series that a query may name, beside job and
// instance. What is not of the catalogue has the same in each job.
func known(t *testing.T) map[string]catalogue.Metric {
	t.Helper()
	found := map[string]catalogue.Metric{}
	anyJob := func(labels string) catalogue.Metric {
		return catalogue.Metric{Labels: map[string]string{"": labels}}
	}
	for name, labels := range foreign {
		found[name] = anyJob(labels)
	}
	for name, m := range catalogue.Metrics() {
		if m.Type != catalogue.Histogram {
			found[name] = m
			continue
		}
		found[name+"_count"], found[name+"_sum"] = m, m
		bucket := catalogue.Metric{Labels: map[string]string{}}
		for job, labels := range m.Labels {
			bucket.Labels[job] = labels + " le"
		}
		found[name+"_bucket"] = bucket
	}
	for _, r := range allRules(t) {
		if r.Record != "" {
			found[r.Record] = anyJob("objective topic_class") // which all together have not
		}
	}
	return found
}

// A selector is a part of an expression that reads series, and all that is made
// of them, from the outermost.
type selector struct {
	*parser.VectorSelector
	above []parser.Node
}

func selectors(e parser.Expr) []selector {
	var found []selector
	parser.Inspect(e, func(n parser.Node, path []parser.Node) error {
		if v, ok := n.(*parser.VectorSelector); ok {
			found = append(found, selector{v, slices.Clone(path)})
		}
		return nil
	})
	return found
}

// labelsOf returns the labels that all series have which a selector may read,
// and the jobs that these are of.
func (s selector) labelsOf(m catalogue.Metric) (names, jobs []string) {
	names, jobs = m.Of(func(job string) bool {
		return job == "" || !slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
			return m.Name == "job" && !m.Matches(job)
		})
	})
	return append(names, "job", "instance"), jobs
}

// mixes reports whether series of several jobs become one.
func (s selector) mixes() bool {
	return slices.ContainsFunc(s.above, func(n parser.Node) bool {
		a, ok := n.(*parser.AggregateExpr)
		chooses := ok && (a.Op == parser.TOPK || a.Op == parser.BOTTOMK)
		return ok && !chooses && slices.Contains(a.Grouping, "job") == a.Without
	})
}

// checkQuery wants series and labels of an expression to exist, and what several
// jobs have not to be taken together.
func checkQuery(t *testing.T, where string, e parser.Expr, known map[string]catalogue.Metric) {
	t.Helper()
	for _, s := range selectors(e) {
		m, ok := known[s.Name]
		if !ok {
			t.Errorf("%s: there is no metric %s", where, s.Name)
		}
		has, jobs := s.labelsOf(m)
		switch {
		case len(jobs) == 0:
			t.Errorf("%s: the job that it names has no %s", where, s.Name)
		case len(jobs) > 1 && s.mixes():
			t.Errorf("%s: %s is of the jobs %v: name the one that is meant, or keep them apart", where, s.Name, jobs)
		}
		for _, m := range s.LabelMatchers {
			if m.Name != labels.MetricName && !slices.Contains(has, m.Name) {
				t.Errorf("%s: %s of %v has no label %s, it has %v", where, s.Name, jobs, m.Name, has)
			}
		}
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		a, ok := n.(*parser.AggregateExpr)
		if !ok {
			return nil
		}
		var all []string // labels of what is below
		for _, s := range selectors(a.Expr) {
			has, _ := s.labelsOf(known[s.Name])
			all = append(all, has...)
		}
		for _, l := range a.Grouping {
			if !slices.Contains(all, l) {
				t.Errorf("%s: groups by %s, which nothing has: %v", where, l, all)
			}
		}
		return nil
	})
}

// Rules read what there is, group by labels that it has, leave stress out where
// they can, and record nothing twice.
func TestRulesReadWhatThereIs(t *testing.T) {
	known := known(t)
	for _, r := range allRules(t) {
		checkQuery(t, r.file+": "+r.Alert+r.Record, r.parsed, known)
		for _, s := range selectors(r.parsed) {
			has, jobs := s.labelsOf(known[s.Name])
			if r.Record != "" && len(jobs) > 1 {
				t.Errorf("%s: %s is of the jobs %v, and what is recorded of one", r.Record, s.Name, jobs)
			}
			tellsStress := slices.Contains(has, "topic_class")
			recorded := strings.HasPrefix(s.Name, "objective:")                             // which leaves it out itself
			if !tellsStress || recorded || s.Name == "ALERTS" || r.Alert == "GapsDamaged" { // a disk is damaged for everybody
				continue
			}
			left := slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
				return m.Name == "topic_class" && m.Type == labels.MatchNotEqual && m.Value == "stress"
			})
			if !left {
				t.Errorf("%s%s: %s does not leave out stress", r.Alert, r.Record, s.Name)
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
		for _, s := range selectors(r.parsed) {
			names, _ := s.labelsOf(known[s.Name])
			for _, l := range names {
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
		for l := range given(r.parsed) {
			has[l] = true
		}
		for _, text := range r.Annotations {
			for _, m := range labelInText.FindAllStringSubmatch(text, -1) {
				if !has[m[1]] {
					t.Errorf("%s names the label %s, which it does not have", r.Alert, m[1])
				}
			}
		}
	}
}

// given returns the labels that an expression gives to what it finds.
func given(e parser.Expr) map[string]bool {
	found := map[string]bool{}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if c, ok := n.(*parser.Call); ok && c.Func.Name == "label_replace" {
			if label, ok := c.Args[1].(*parser.StringLiteral); ok {
				found[label.Val] = true
			}
		}
		return nil
	})
	return found
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
