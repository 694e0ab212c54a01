package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/sluice-stream/sluice/observability/catalogue"
)

// foreign are metrics that are not Sluice's own, with their labels next to job
// and instance.
var foreign = map[string]string{
	"ALERTS": "alertname alertstate severity tier",
	"alertmanager_notifications_failed_total":   "integration",
	"go_gc_gomemlimit_bytes":                    "",
	"go_gc_heap_live_bytes":                     "",
	"go_goroutines":                             "",
	"go_memory_classes_heap_released_bytes":     "",
	"go_memory_classes_total_bytes":             "",
	"go_sched_latencies_seconds_bucket":         "le",
	"go_sched_pauses_total_gc_seconds_bucket":   "le",
	"process_cpu_seconds_total":                 "",
	"process_max_fds":                           "",
	"process_open_fds":                          "",
	"process_resident_memory_bytes":             "",
	"process_start_time_seconds":                "",
	"prometheus_notifications_errors_total":     "alertmanager",
	"prometheus_rule_evaluation_failures_total": "rule_group",
	"scrape_duration_seconds":                   "",
	"up":                                        "",
}

// ofTheStack are about other parts than what the variables choose.
var ofTheStack = []string{"ALERTS", "alertmanager_notifications_failed_total", "prometheus_notifications_errors_total", "prometheus_rule_evaluation_failures_total"}

// wholeStack is the panel that looks at all jobs.
const wholeStack = "Which parts of the stack answer?"

// What variables are filled with here can be told from all else.
const rateInterval = 7 * time.Minute

var placeholders = map[string]string{
	"job": "JOB", "instance": "INSTANCE", "edge": "EDGE", "release": "RELEASE", "topic_class": "TOPIC_CLASS", "__rate_interval": "7m",
}

// known returns the labels of what a selector reads: of the catalogue's, those
// that it has in all the jobs that are meant.
func known(n *parser.VectorSelector, recorded map[string]bool) ([]string, bool) {
	text, ok := foreign[n.Name]
	if recorded[n.Name] {
		text, ok = "objective topic_class", true
	}
	labels := strings.Fields(text)
	if !ok {
		var jobs []string
		labels, jobs = catalogue.Metrics()[metric(n.Name)].Of(meant(n))
		ok = len(jobs) > 0
		if strings.HasSuffix(n.Name, "_bucket") {
			labels = append(labels, "le")
		}
	}
	return append(labels, "job", "instance"), ok
}

// metric returns the name of the catalogue that a series is of, or its own.
func metric(series string) string {
	for _, suffix := range []string{"_bucket", "_count", "_sum"} {
		if base, cut := strings.CutSuffix(series, suffix); cut && catalogue.Metrics()[base].Type == catalogue.Histogram {
			return base
		}
	}
	return series
}

// meant returns which jobs a selector reads.
func meant(n *parser.VectorSelector) func(job string) bool {
	return func(job string) bool {
		for _, m := range n.LabelMatchers {
			switch {
			case m.Name != "job":
			case m.Value == placeholders["job"]:
				return slices.Contains(strings.Split(chosenJobs, "|"), job)
			default:
				return m.Matches(job)
			}
		}
		return true
	}
}

// Each query can be parsed, asks for metrics and labels that exist, of the job
// and the instance that are chosen, or of the chosen edges, and takes rates over
// what the resolution of the graph wants.
func TestQueries(t *testing.T) {
	recorded := readRules(t).records
	for _, f := range files(t) {
		for _, p := range f.shown() {
			if p.Type == string(logsPanel) {
				continue
			}
			for _, q := range p.Targets {
				c := check{t, f.UID + ": " + p.Title + ": " + q.Expr, recorded}
				asIs := q.Expr == published
				c.look(q.Expr, p.Title != wholeStack && !asIs, !asIs)
			}
		}
		for _, a := range f.Annotations.List {
			if a.Target["expr"] != a.Expr || !a.Enable {
				t.Errorf("%s: the annotation %s is not asked for", f.UID, a.Name)
			}
			if a.Datasource == (fileSource{"loki", "${logs}"}) {
				continue
			}
			if a.Datasource.UID != "${datasource}" {
				t.Errorf("%s: the annotation %s asks %q", f.UID, a.Name, a.Datasource.UID)
			}
			c := check{t, f.UID + ": annotation " + a.Name, recorded}
			c.look(a.Expr, true, false)
		}
	}
}

// counts are metrics that only grow.
var counts = regexp.MustCompile(`_(total|bucket|count|sum)$`)

// Each metric of the catalogue is on a dashboard, of each job that has it: what
// nobody can see nobody needs to measure.
func TestAllMetricsAreShown(t *testing.T) {
	shown := map[string]bool{} // by metric and job
	look := func(expr string) {
		tree, err := parser.ParseExpr(fill(expr, placeholders))
		if err != nil {
			return // of the log
		}
		parser.Inspect(tree, func(node parser.Node, _ []parser.Node) error {
			if n, ok := node.(*parser.VectorSelector); ok {
				name := metric(n.Name)
				_, jobs := catalogue.Metrics()[name].Of(meant(n))
				for _, job := range jobs {
					shown[name+" of "+job] = true
				}
			}
			return nil
		})
	}
	for _, f := range files(t) {
		for _, p := range f.shown() {
			for _, q := range p.Targets {
				look(q.Expr)
			}
		}
		for _, a := range f.Annotations.List {
			look(a.Expr)
		}
	}
	for name, m := range catalogue.Metrics() {
		for job := range m.Labels {
			if !shown[name+" of "+job] {
				t.Errorf("no dashboard shows %s of %s", name, job)
			}
		}
	}
}

type check struct {
	t        *testing.T
	where    string
	recorded map[string]bool
}

// look looks at one query. Annotations have no interval of their own.
func (c check) look(expr string, chosen, intervals bool) {
	tree, err := parser.ParseExpr(fill(expr, placeholders))
	if err != nil {
		c.t.Errorf("%s: %v", c.where, err)
		return
	}
	parser.Inspect(tree, func(node parser.Node, path []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			c.selector(n, chosen)
			if counts.MatchString(n.Name) && !slices.ContainsFunc(path, isRange) {
				c.t.Errorf("%s: %s only grows: it wants a rate", c.where, n.Name)
			}
		case *parser.MatrixSelector:
			if intervals && n.Range != rateInterval {
				c.t.Errorf("%s: a rate is not over $__rate_interval", c.where)
			}
		case *parser.AggregateExpr:
			c.grouping(n)
		}
		return nil
	})
}

func isRange(n parser.Node) bool {
	_, ok := n.(*parser.MatrixSelector)
	return ok
}

func (c check) selector(n *parser.VectorSelector, chosen bool) {
	labels, ok := known(n, c.recorded)
	if !ok {
		c.t.Errorf("%s: there is no metric %s of the job", c.where, n.Name)
		return
	}
	has := map[string]string{}
	for _, m := range n.LabelMatchers {
		has[m.Name] = m.Type.String() + m.Value
		if m.Name != "__name__" && !slices.Contains(labels, m.Name) {
			c.t.Errorf("%s: %s has no label %s", c.where, n.Name, m.Name)
		}
	}
	if !chosen || slices.Contains(ofTheStack, n.Name) {
		return
	}
	instance := "=~INSTANCE"
	switch has["job"] {
	case "=~JOB":
	case "=" + catalogue.Edge:
		instance = "=~EDGE"
	default:
		c.t.Errorf("%s: %s is not of the chosen job, nor of the edge", c.where, n.Name)
	}
	if !c.recorded[n.Name] && has["instance"] != instance { // what is recorded is of all instances
		c.t.Errorf("%s: %s is not of the chosen instance", c.where, n.Name)
	}
}

// grouping wants the labels of an aggregation to be there.
func (c check) grouping(n *parser.AggregateExpr) {
	var there []string
	parser.Inspect(n.Expr, func(node parser.Node, _ []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			labels, _ := known(s, c.recorded)
			there = append(there, labels...)
		}
		return nil
	})
	for _, label := range n.Grouping {
		if !slices.Contains(there, label) {
			c.t.Errorf("%s: nothing has the label %s", c.where, label)
		}
	}
}
