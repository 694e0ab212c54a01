package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/sluice-stream/sluice/observability/backends/internal/local"
	"github.com/sluice-stream/sluice/observability/backends/internal/pinned"
)

// up runs backends until ctx ends or one of them does by itself.
func up(ctx context.Context, args []string, cache string, stdout, stderr io.Writer) (err error) {
	o, err := parseUp(args, stdout)
	if err != nil {
		return err
	}
	config, err := local.ConfigFolder()
	if err != nil {
		return err
	}
	checkout := filepath.Dir(config)
	o.fill(checkout)
	s := local.Settings{Config: config, Targets: o.targets, Rules: o.rules, Receivers: o.receivers}
	if grafana := o.targets["grafana"]; len(grafana) > 0 {
		s.Grafana = "http://" + grafana[0]
	}
	data := o.data
	if data == "" {
		if data, err = os.MkdirTemp("", "sluice-backends-"); err != nil {
			return err
		}
		defer os.RemoveAll(data)
	}
	binaries, err := findOrBuild(ctx, o.names, cache, stderr)
	if err != nil {
		return orderly(ctx, err)
	}
	return runAll(ctx, o, s, data, binaries, stdout, stderr)
}

// runAll starts backends, one after another, and ends them all.
func runAll(ctx context.Context, o options, s local.Settings, data string, binaries map[string]string, stdout, stderr io.Writer) (err error) {
	var running []*local.Backend
	defer func() { err = errors.Join(err, stopAll(running, stderr)) }()
	for _, name := range o.names {
		s.Binary, s.Data, s.Ports = binaries[name], filepath.Join(data, name), o.ports[name]
		b, err := local.Prepare(name, s)
		if err != nil {
			return err
		}
		fmt.Fprintf(stderr, "starting %s, log in %s\n", name, b.LogFile())
		if err := b.Start(ctx); err != nil {
			return orderly(ctx, err)
		}
		running = append(running, b)
		s.Targets[name] = []string{b.Metrics()}
		tell(b, stdout)
	}
	fmt.Fprintln(stdout, "all are ready; Ctrl-C ends them")
	return wait(ctx, running)
}

// orderly makes no error of an end that was asked for.
func orderly(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func findOrBuild(ctx context.Context, names []string, cache string, progress io.Writer) (map[string]string, error) {
	programs, err := pinned.Named(names...)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, p := range programs {
		path, err := p.Find(ctx, cache)
		if err != nil {
			path, err = p.Build(ctx, cache, progress)
		}
		if err != nil {
			return nil, err
		}
		found[p.Name] = path
	}
	return found, nil
}

// tell prints where a backend listens.
func tell(b *local.Backend, stdout io.Writer) {
	for _, p := range local.Ports(b.Name()) {
		if p.Use != "" {
			fmt.Fprintf(stdout, "%-13s %-10s http://%s  %s\n", b.Name(), p.Name, b.Address(p.Name), p.Use)
		}
	}
}

// wait returns when ctx ends, or with an error when a backend ends before.
func wait(ctx context.Context, running []*local.Backend) error {
	watch, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan *local.Backend, len(running))
	for _, b := range running {
		go func() { // ends with watch
			select {
			case <-b.Ended():
				ended <- b
			case <-watch.Done():
			}
		}()
	}
	select {
	case <-ctx.Done():
		return nil
	case b := <-ended:
		return fmt.Errorf("%s ended by itself; the end of its log:\n%s", b.Name(), b.LogTail(3000))
	}
}

// stopAll ends backends, the last one started first.
func stopAll(running []*local.Backend, stderr io.Writer) error {
	var errs []error
	for _, b := range slices.Backward(running) {
		fmt.Fprintf(stderr, "ending %s\n", b.Name())
		errs = append(errs, b.Stop())
	}
	return errors.Join(errs...)
}
