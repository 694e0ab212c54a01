package scenario

import (
	"cmp"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/budget"
	"github.com/sluice-stream/sluice/loadtest/internal/crew"
	"github.com/sluice-stream/sluice/loadtest/internal/logging"
	"github.com/sluice-stream/sluice/loadtest/internal/observe"
	"github.com/sluice-stream/sluice/loadtest/internal/publishers"
	"github.com/sluice-stream/sluice/loadtest/internal/settings"
	"github.com/sluice-stream/sluice/loadtest/internal/target"
)

// options are the settings of a run.
type options struct {
	preset preset

	// Where.
	urls   list
	hub    target.Hub // of which the first of urls is the address
	apart  bool
	paths  target.Paths
	header list
	target observe.Target
	admin  list
	pids   list

	// What.
	streams, topics, topicsEach int
	prefix                      string
	connectRate                 float64
	connections                 int
	rate                        float64
	arrivals                    string
	events, batch               int
	size, kind                  string
	sizes                       []crew.Size
	never, slow, slowBytes      int
	churn                       float64
	every, backOff              time.Duration
	missed                      int
	answers, readers            int
	flush                       time.Duration

	// How long.
	warmUp, duration, patience, late time.Duration

	// What comes of it.
	processes  int
	spread     bool
	traceRatio float64
	traces     string
	reportTo   string
	budgetFile string
	limits     budget.Limits
	listen     string
	ceiling    time.Duration
	logTo      logging.Options
	given      []string // the settings that were set, for the report
}

// list is a flag that may be given several times, or with commas.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

// Set implements flag.Value.
func (l *list) Set(text string) error {
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one != "" {
			*l = append(*l, one)
		}
	}
	return nil
}

const help = `loadtest %s [settings] is a load test: %s.

Times count from when something should have begun, so a hub that stops for a moment shows
as all that it made late. Every stream is held against what was published: anything lost,
doubled, damaged or out of order fails the run, and so does a limit of --budget.

  loadtest %s --url http://127.0.0.1:8080 --admin-url http://127.0.0.1:8081 --report ./report

`

func parse(p preset, args []string, getenv func(string) string, out io.Writer) (*options, error) {
	o := &options{preset: p, paths: target.HubPaths()}
	o.topics, o.topicsEach, o.connections, o.batch = 1, 1, 1, 1
	o.warmUp, o.duration = 2*time.Second, 10*time.Second
	p.set(o)
	set := flag.NewFlagSet(p.name, flag.ContinueOnError)
	o.where(set)
	o.what(set)
	o.outcome(set)
	if err := settings.Parse(set, args, getenv, fmt.Sprintf(help, p.name, p.about, p.name), out); err != nil {
		return nil, err
	}
	if err := o.validate(); err != nil {
		return nil, err
	}
	set.VisitAll(func(f *flag.Flag) {
		if slices.Contains(untold, f.Name) {
			return
		}
		if v := f.Value.String(); v != f.DefValue || slices.Contains(told, f.Name) {
			o.given = append(o.given, f.Name+"="+v)
		}
	})
	return o, nil
}

// told are the settings that a report names even where they are the defaults.
var told = []string{"streams", "topics", "topics-each", "rate", "connections", "size", "duration", "warm-up", "batch", "processes", "arrivals"}

// untold are those that are nothing of what is measured.
var untold = []string{"report", "listen", "loki-url", "environment", "traces-url", "budget", "pid", "token-file", "admin-token-file"}

func (o *options) where(set *flag.FlagSet) {
	set.Var(&o.urls, "url", "address of the hub, or of the edge in front of it (default "+target.DefaultURL+"); of several, streams and publishers go to them in turn")
	set.BoolVar(&o.apart, "apart", false, "the addresses are of hubs that know nothing of one another: each has topics of its own")
	set.StringVar(&o.hub.TokenFile, "token-file", "", "file with a token that may publish and subscribe")
	set.StringVar(&o.hub.TLSCA, "tls-ca", "", "PEM file of authorities that are trusted for an https:// address, beside the system's")
	set.StringVar(&o.hub.TLSName, "tls-name", "", "name that the certificate of an https:// address must be for, where it is not the address's")
	set.Var(&o.admin, "admin-url", "address of the hub's admin listener, for what it says of itself (repeatable)")
	set.StringVar(&o.target.TokenFile, "admin-token-file", "", "file with the token for it")
	set.Var(&o.pids, "pid", "process to take processor time and memory from, with all that it started; for servers without metrics, and for an edge (repeatable)")
	set.StringVar(&o.paths.Subscribe, "subscribe-path", o.paths.Subscribe, "path of a stream, for another server: {topic} stands for its topic")
	set.StringVar(&o.paths.Publish, "publish-path", o.paths.Publish, "path of a publish, for another server")
	set.StringVar(&o.paths.Body, "publish-body", "", "what a publish sends, for another server: {data}, {json}, {form} or {base64} stands for the event, {topic} for its topic")
	set.Var(&o.header, "publish-header", "\"Name: value\" that goes with each publish (repeatable)")
}

func (o *options) what(set *flag.FlagSet) {
	set.IntVar(&o.streams, "streams", o.streams, "streams that are open")
	set.IntVar(&o.topics, "topics", o.topics, "topics")
	set.IntVar(&o.topicsEach, "topics-each", o.topicsEach, "topics that a stream follows")
	set.StringVar(&o.prefix, "topic-prefix", "loadtest.", "what the names of the topics begin with")
	set.Float64Var(&o.connectRate, "connect-rate", cmp.Or(o.connectRate, 2000), "streams asked for in a second; 0: all at once")
	set.IntVar(&o.connections, "connections", o.connections, "connections that publish, one event or batch after the other")
	set.Float64Var(&o.rate, "rate", o.rate, "events published in a second, answers or not; 0: the next with the answer, for what can be taken at most")
	set.StringVar(&o.arrivals, "arrivals", "even", "even, or poisson: at random, as of many independent publishers")
	set.IntVar(&o.events, "events", o.events, "events to publish; 0: as many as --duration has")
	set.IntVar(&o.batch, "batch", o.batch, "events in one request (NDJSON), 1 to 1000")
	set.StringVar(&o.size, "size", "128", "bytes of an event; or several with their weights, as 128:9,2048:1")
	set.StringVar(&o.kind, "type", "", "type of the events")
	set.IntVar(&o.never, "never", o.never, "streams that never read")
	set.IntVar(&o.slow, "slow", o.slow, "streams that read --slow-bytes a second")
	set.IntVar(&o.slowBytes, "slow-bytes", 1024, "what a slow stream reads in a second")
	set.Float64Var(&o.churn, "churn", o.churn, "streams that are cut off in a second, and come back within another")
	set.DurationVar(&o.every, "every", 10*time.Second, "storm: time between two cuts")
	set.DurationVar(&o.backOff, "back-off", 0, "storm, resume: time within which streams return, each when it likes; 0: at once")
	set.IntVar(&o.missed, "missed", o.missed, "resume: events that are published while nobody is there")
	if o.answers > 0 {
		set.IntVar(&o.answers, "answers", o.answers, "answers that are written at the same time, each of --rate tokens a second for --duration")
		set.IntVar(&o.readers, "readers", o.readers, "readers of each answer: all are cut off now and then, and the second reloads")
		set.DurationVar(&o.flush, "flush", 250*time.Millisecond, "what came within it goes to the hub as one batch")
	}
	set.DurationVar(&o.warmUp, "warm-up", o.warmUp, "time for which it goes on before it is measured")
	set.DurationVar(&o.duration, "duration", o.duration, "time for which it is measured")
	set.DurationVar(&o.patience, "patience", 30*time.Second, "longest wait for the last answer, and for the last event")
	set.DurationVar(&o.late, "late", time.Second, "from when on a delivery is counted as late")
}

func (o *options) outcome(set *flag.FlagSet) {
	set.IntVar(&o.processes, "processes", 1, "processes that the load comes from; each has some 19,000 streams at most")
	set.BoolVar(&o.spread, "spread", true, "a hub on the loopback interface is asked from many addresses of it, as its limits are by address")
	set.Float64Var(&o.traceRatio, "trace-ratio", 0, "part of the events whose trace is sampled, 0 to 1; their ids begin with the run's name")
	set.StringVar(&o.traces, "traces-url", "", "where a trace is looked at, as http://127.0.0.1:16686/trace/: the report links the slowest")
	set.StringVar(&o.reportTo, "report", "", "folder for report.json and report.html")
	set.StringVar(&o.budgetFile, "budget", "", "file of limits, as {\"delivery_p99_ms\": {\"max\": 50}}: a figure beyond one fails the run")
	set.StringVar(&o.listen, "listen", "", "address of /metrics of the run, for Prometheus")
	set.DurationVar(&o.ceiling, "ceiling", 3*time.Second, "time for measuring what this program can take, with a bare loop, before the run; 0: not")
	o.logTo.Flags(set)
}

// plan is what is published while it is measured, or warmed up.
func (o *options) plan(events int, length time.Duration) publishers.Plan {
	p := publishers.Plan{Rate: o.rate, Poisson: o.arrivals == "poisson", Events: events, For: length, Batch: o.batch}
	if events > 0 {
		p.For = 0
	}
	return p
}
