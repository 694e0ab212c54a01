package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-stream/sluice/observability/backends/internal/local"
)

// options are what "backends up" is told.
type options struct {
	names     []string                  // of backends, in the order of their start
	data      string                    // "" for a temporary folder
	targets   map[string][]string       // what Prometheus scrapes beside the backends, by file of targets
	rules     []string                  // files
	receivers string                    // configuration of Alertmanager
	ports     map[string]map[string]int // by backend and name
}

func parseUp(args []string, stdout io.Writer) (options, error) {
	o := options{ports: map[string]map[string]int{}, targets: map[string][]string{}}
	f := flag.NewFlagSet("backends up", flag.ContinueOnError)
	f.SetOutput(stdout)
	f.StringVar(&o.data, "data", "", "`folder` of all data, kept at the end (default a temporary one)")
	f.StringVar(&o.receivers, "receivers", "", "configuration `file` of Alertmanager (default alerts/alertmanager.yml of the checkout)")
	o.addTarget(f, "hub", "admin `address` of a hub to scrape, repeatable (default 127.0.0.1:8081)")
	o.addTarget(f, "prober", "`address` of a prober to scrape, repeatable (default 127.0.0.1:9102)")
	o.addTarget(f, "edge", "`address` of an edge's metrics to scrape, repeatable (default none)")
	o.addTarget(f, "grafana", "`address` of a Grafana to scrape and to link to, repeatable (default none)")
	f.Func("rules", "`files` of rules for Prometheus, * and ? allowed, repeatable (default alerts/rules/*.yml of the checkout)", o.addRules)
	free := f.Bool("free-ports", false, "take free ports instead of the usual ones")
	given := map[string]map[string]int{}
	f.Func("port", "`port` as backend.port=number, like loki.http=3101; 0 is any free one; repeatable", func(text string) error {
		return addPort(given, text)
	})
	if err := f.Parse(args); err != nil {
		return o, err
	}
	for job, usual := range map[string]string{"hub": "127.0.0.1:8081", "prober": "127.0.0.1:9102"} {
		if len(o.targets[job]) == 0 {
			o.targets[job] = []string{usual}
		}
	}
	for _, name := range local.Names() {
		o.ports[name] = usual(name, *free)
		maps.Copy(o.ports[name], given[name])
		if f.NArg() == 0 || slices.Contains(f.Args(), name) {
			o.names = append(o.names, name)
		}
	}
	for _, name := range f.Args() {
		if !slices.Contains(local.Names(), name) {
			return o, fmt.Errorf("no backend %q can be run: there are %s", name, strings.Join(local.Names(), ", "))
		}
	}
	return o, nil
}

// addTarget defines the flag that adds targets to the file of its name.
func (o *options) addTarget(f *flag.FlagSet, job, usage string) {
	f.Func(job, usage, func(address string) error {
		o.targets[job] = append(o.targets[job], address)
		return nil
	})
}

// fill takes the checkout's rules and receivers where no others were given.
func (o *options) fill(checkout string) {
	if len(o.rules) == 0 {
		o.rules, _ = filepath.Glob(filepath.Join(checkout, "alerts", "rules", "*.yml")) // the pattern is right
	}
	receivers := filepath.Join(checkout, "alerts", "alertmanager.yml")
	if _, err := os.Stat(receivers); err == nil && o.receivers == "" {
		o.receivers = receivers
	}
}

func (o *options) addRules(pattern string) error {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no file is called like that")
	}
	o.rules = append(o.rules, files...)
	return nil
}

// usual are the ports that the backend is known by, or any.
func usual(name string, free bool) map[string]int {
	ports := map[string]int{}
	for _, p := range local.Ports(name) {
		if !free && p.Use != "" {
			ports[p.Name] = p.Usual
		}
	}
	return ports
}

func addPort(given map[string]map[string]int, text string) error {
	key, number, ok := strings.Cut(text, "=")
	backend, port, ok2 := strings.Cut(key, ".")
	n, err := strconv.ParseUint(number, 10, 16)
	if !ok || !ok2 || err != nil {
		return fmt.Errorf("want backend.port=number, like loki.http=3101")
	}
	if !slices.ContainsFunc(local.Ports(backend), func(p local.Port) bool { return p.Name == port }) {
		return fmt.Errorf("no backend has a port %s", key)
	}
	if given[backend] == nil {
		given[backend] = map[string]int{}
	}
	given[backend][port] = int(n)
	return nil
}
