package probe

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/logging"
	"github.com/sluice-stream/sluice/loadtest/internal/settings"
	"github.com/sluice-stream/sluice/loadtest/internal/target"
)

const help = `loadtest probe [settings] publishes an event every second for each target, reads it
back from a stream that stays open, and says at /metrics how long that took
(sse_probe_latency_seconds) and what went wrong (sse_probe_failures_total). Each round
ends in one of the two:

  publish    the publish failed
  connect    no stream could be had to read from
  read       the stream broke and did not bring the event
  timeout    the stream is open and did not bring the event
  buffering  the hub is quick, but something on the way holds its stream back

  loadtest probe --url http://edge:8080 --token-file t --target orders=orders.probe
`

// defaultListen is where the metrics are.
const defaultListen = "127.0.0.1:9102"

// maxTargets bounds the series.
const maxTargets = 32

// options are the settings of a prober.
type options struct {
	hub      target.Hub
	logTo    logging.Options
	listen   string
	targets  targets
	interval time.Duration
	timeout  time.Duration
	ratio    float64
}

// probed is a topic and the label that it has in the figures.
type probed struct{ label, topic string }

// targets is a list of name=topic.
type targets []probed

var label = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

func (t *targets) String() string { return "" }

// Set implements flag.Value. Several may be given with commas between.
func (t *targets) Set(text string) error {
	for one := range strings.SplitSeq(text, ",") {
		name, topic, ok := strings.Cut(one, "=")
		if !ok || !label.MatchString(name) || topic == "" || strings.ContainsAny(topic, " /@?#%") {
			return fmt.Errorf("%q is not a target: write it like orders=orders.probe, with a name of a-z 0-9 _", one)
		}
		for _, other := range *t {
			if other.label == name || other.topic == topic {
				return fmt.Errorf("%q has a name or a topic that another target has", one)
			}
		}
		if *t = append(*t, probed{name, topic}); len(*t) > maxTargets {
			return fmt.Errorf("%d targets are the most", maxTargets)
		}
	}
	return nil
}

func (t targets) labels() []string {
	var all []string
	for _, one := range t {
		all = append(all, one.label)
	}
	return all
}

func parse(args []string, getenv func(string) string, out io.Writer) (*options, error) {
	o := &options{}
	set := flag.NewFlagSet("probe", flag.ContinueOnError)
	o.hub.Flags(set)
	set.StringVar(&o.listen, "listen", defaultListen, "address of /metrics and /healthz")
	set.Var(&o.targets, "target", "name=topic: what to probe, and the label that it gets; repeatable, or with commas")
	set.DurationVar(&o.interval, "interval", time.Second, "time between two rounds of a target, 100ms or more")
	set.DurationVar(&o.timeout, "timeout", 5*time.Second, "time for a round; twice the interval or more")
	set.Float64Var(&o.ratio, "trace-ratio", 0.02, "part of the rounds and streams whose trace is sampled, 0 to 1: each has a line in the log")
	o.logTo.Flags(set)
	if err := settings.Parse(set, args, getenv, help, out); err != nil {
		return nil, err
	}
	return o, o.validate()
}

func (o *options) validate() error {
	switch {
	case len(o.targets) == 0:
		return errors.New("--target is missing: name what to probe, such as --target orders=orders.probe")
	case o.interval < 100*time.Millisecond:
		return fmt.Errorf("--interval %v is too short: 100ms is the least", o.interval)
	case o.timeout < 2*o.interval || o.timeout > time.Minute:
		return fmt.Errorf("--timeout %v does not fit: from twice the interval, %v, to 1m", o.timeout, 2*o.interval)
	case o.ratio < 0 || o.ratio > 1:
		return fmt.Errorf("--trace-ratio %v is not between 0 and 1", o.ratio)
	}
	if _, _, err := net.SplitHostPort(o.listen); err != nil {
		return fmt.Errorf("--listen %q is not an address: write it like %s or :9102", o.listen, defaultListen)
	}
	return o.hub.Validate()
}
