package main

import (
	"bytes"
	_ "embed"
	"math"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/prometheus/common/model"

	"github.com/sluice-stream/sluice/alerts/thresholds"
)

// An objective is a promise that is kept for a part of all events.
type objective struct {
	Name    string  // value of the label objective
	Alert   string  // name of its alerts
	Target  float64 // the part
	Promise string  // what is counted and what is good, for people
	Bad     string  // of whom it is true, after "… of"
	Look    string  // first thing to look at
	Board   string  // uid of the dashboard
	Events  string  // expression of all events a second, by job
	Errors  string  // expression of those that were not good
	// ByClass has it judged for each class of topics too, where both know their
	// class: one that carries little would fail unseen among the others.
	ByClass bool
}

// A burn is a pair of windows over which the budget may not burn so fast.
type burn struct {
	Factor      float64
	Long, Short string
	Hours       float64 // of the long one
	For         string
	Tier        string
	Severity    string
}

// windows are those that ratios are recorded for, beside 5 min.
var windows = []string{"30m", "1h", "2h", "6h", "1d", "3d"}

func burns() []burn {
	return []burn{
		{thresholds.BurnHour, "1h", "5m", 1, "2m", "L3", "critical"},
		{thresholds.BurnSixHour, "6h", "30m", 6, "15m", "L3", "critical"},
		{thresholds.BurnDay, "1d", "2h", 24, "1h", "L2", "warning"},
		{thresholds.BurnAll, "3d", "6h", 72, "3h", "L2", "warning"},
	}
}

// Limit is the ratio of errors at which the budget of o burns that fast.
func (o objective) Limit(b burn) string {
	return number(b.Factor) + " * " + number(rounded(1-o.Target))
}

// Recorded is an expression of o as it is recorded: of all, and of each class
// where classes are judged.
func (o objective) Recorded(expr string) string {
	if !o.ByClass {
		return expr
	}
	return strings.ReplaceAll(expr, "by (job)", "by (job, topic_class)") + "\n          or\n          " + expr
}

// LeastRate is the traffic, in events a second, below which a single event
// that is not good would be enough. A class has to have it by itself; those
// that have less are still judged together with all.
func (o objective) LeastRate(b burn) string {
	events := math.Ceil(1 / (b.Factor * (1 - o.Target)))
	return number(rounded(events / (b.Hours * 3600)))
}

// fewErrors are as many events that are not good, within the short window, as
// may be chance: nobody is called for them. Without that, one would be enough
// while the recorded past is shorter than the long window, since a rate does
// not say of how many events it is.
const fewErrors = 2

// FewErrors is the rate, in events a second, that fewErrors make over the short
// window.
func (o objective) FewErrors(b burn) (string, error) {
	short, err := model.ParseDuration(b.Short)
	return number(rounded(fewErrors / time.Duration(short).Seconds())), err
}

func rounded(f float64) float64 { return math.Round(f*1e6) / 1e6 }

// bucket is the label le of a bucket's bound, as Prometheus has it.
func bucket(seconds float64) string { return strconv.FormatFloat(seconds, 'f', 1, 64) }

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func objectives() []objective {
	return []objective{
		{
			Name: "delivery", Alert: "DeliveryBudgetBurn", Target: thresholds.DeliveryTarget, ByClass: true,
			Promise: "Events reach every live stream within " + number(thresholds.FanoutSeconds) + " s of their append. An event that was refused, by an open breaker above all, reached nobody.",
			Bad:     "events took longer than 1 s to their readers or were refused",
			Look:    "Look at CPU against its quota, then at readers that are behind; where publishes are refused, at the breaker.",
			Board:   "sluice-delivery",
			Events: `sum by (job) (rate(sse_fanout_seconds_count{topic_class!="stress"}[5m]))
          + sum by (job) (rate(sse_publishes_total{outcome="refused",topic_class!="stress"}[5m]))`,
			Errors: `clamp_min(
            sum by (job) (rate(sse_fanout_seconds_count{topic_class!="stress"}[5m]))
            - sum by (job) (rate(sse_fanout_seconds_bucket{topic_class!="stress",le="` + bucket(thresholds.FanoutSeconds) + `"}[5m])), 0)
          + sum by (job) (rate(sse_publishes_total{outcome="refused",topic_class!="stress"}[5m]))`,
		},
		{
			Name: "publish", Alert: "PublishBudgetBurn", Target: thresholds.PublishTarget, ByClass: true,
			Promise: "Publishes neither fail nor are refused, by a limit or an open breaker. What is the caller's own fault (invalid) is not counted.",
			Bad:     "publishes failed or were refused",
			Look:    "Look at the breaker and at the errors of the store, then at which limit refuses.",
			Board:   "sluice-admission",
			Events:  `sum by (job) (rate(sse_publishes_total{outcome!="invalid",topic_class!="stress"}[5m]))`,
			Errors:  `sum by (job) (rate(sse_publishes_total{outcome=~"failed|refused",topic_class!="stress"}[5m]))`,
		},
		{
			Name: "connect", Alert: "ConnectBudgetBurn", Target: thresholds.ConnectTarget,
			Promise: "Streams begin within " + number(thresholds.ConnectSeconds) + " s, neither answered 5xx nor refused (429), as the hub counts them: what fails before it gets there, EdgeErrors and the prober tell. Each attempt is counted once, by the answer to its request: sse_rejects_total has the same refusals again, and those of publishes. The topics of an attempt are not known here, so streams of stress traffic are among them; StressTraffic silences this objective meanwhile.",
			Bad:     "streams were refused, failed or took longer than 1 s to begin",
			Look:    "Look at rejects by reason, then at CPU against its quota.",
			Board:   "sluice-connections",
			Events:  `sum by (job) (rate(http_request_duration_seconds_count{job="hub",route="/v1/events",method="GET",status=~"2..|429|5.."}[5m]))`,
			Errors: `clamp_min(
            sum by (job) (rate(http_request_duration_seconds_count{job="hub",route="/v1/events",method="GET",status=~"2..|429|5.."}[5m]))
            - sum by (job) (rate(http_request_duration_seconds_bucket{job="hub",route="/v1/events",method="GET",status=~"2..",le="` + bucket(thresholds.ConnectSeconds) + `"}[5m])), 0)`,
		},
		{
			Name: "resume", Alert: "ResumeBudgetBurn", Target: thresholds.ResumeTarget,
			Promise: "Streams that resume are given all that retention promises: no gap of the cause early. An open breaker refuses publishes only, so it has no part in this; a resume that is refused counts for connect. A stream has topics of several classes, so resumes are not counted by class; a class that few resume does not drown all the same, since GapsEarly tells of a single gap and its class.",
			Bad:     "resumes missed events that retention promises",
			Look:    "Look at gaps by cause and class, then at what trims the log: --retention-bytes, --retention-events, --retention-total-bytes.",
			Board:   "sluice-resume-storage",
			Events:  `sum by (job) (rate(sse_connects_total{outcome!="live"}[5m]))`,
			Errors:  `sum by (job) (rate(sse_gaps_total{cause="early",topic_class!="stress"}[5m]))`,
		},
		{
			Name: "probe", Alert: "ProbeBudgetBurn", Target: thresholds.ProbeTarget,
			Promise: "The prober's events come back to it through the edge. Those that an open breaker refuses are failures of the prober too. Each target makes as many as any other, so none drowns; ProbesFailing is by target.",
			Bad:     "round trips of the prober through the edge failed",
			Look:    "Look at the failures by target and reason: one target is a class of topics, all are the edge or the hub.",
			Board:   "sluice-overview",
			Events: `sum by (job) (rate(sse_probe_latency_seconds_count[5m]))
          + sum by (job) (rate(sse_probe_failures_total[5m]))`,
			Errors: `sum by (job) (rate(sse_probe_failures_total[5m]))`,
		},
	}
}

//go:embed objectives.yml.tmpl
var objectivesTemplate string

// objectivesFile returns what rules/objectives.yml is to be.
func objectivesFile() ([]byte, error) {
	t, err := template.New("").Funcs(template.FuncMap{"number": number}).Parse(objectivesTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, struct {
		Objectives []objective
		Burns      []burn
		Windows    []string
	}{objectives(), burns(), windows})
	return out.Bytes(), err
}
