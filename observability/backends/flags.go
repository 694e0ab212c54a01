package main

import (
	"flag"
	"fmt"
	"io"
	"maps"
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
	hubs      []string                  // admin listeners
	rules     []string                  // files
	receivers string                    // configuration of Alertmanager
	ports     map[string]map[string]int // by backend and name
}

func parseUp(args []string, stdout io.Writer) (options, error) {
	o := options{ports: map[string]map[string]int{}}
	f := flag.NewFlagSet("backends up", flag.ContinueOnError)
	f.SetOutput(stdout)
	f.StringVar(&o.data, "data", "", "`folder` of all data, kept at the end (default a temporary one)")
	f.StringVar(&o.receivers, "receivers", "", "configuration `file` of Alertmanager (default one that sends nothing)")
	f.Func("hub", "admin `address` of a hub to scrape, repeatable (default 127.0.0.1:8081)", func(text string) error {
		o.hubs = append(o.hubs, text)
		return nil
	})
	f.Func("rules", "`files` of rules for Prometheus, * and ? allowed, repeatable", o.addRules)
	free := f.Bool("free-ports", false, "take free ports instead of the usual ones")
	given := map[string]map[string]int{}
	f.Func("port", "`port` as backend.port=number, like loki.http=3101; 0 is any free one; repeatable", func(text string) error {
		return addPort(given, text)
	})
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if len(o.hubs) == 0 {
		o.hubs = []string{"127.0.0.1:8081"}
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
