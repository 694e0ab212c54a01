// Command backends builds the real Prometheus, Loki, Jaeger and Alertmanager
// and runs them with the configuration of the compose stack, without Docker.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/sluice-stream/sluice/observability/backends/internal/pinned"
)

const usage = `backends builds and runs the real observability backends, without Docker.

  backends build [NAME ...]        build what is not in the user's cache yet, and print where it is
  backends up [FLAG ...] [NAME ...]  run them until Ctrl-C, after building what is missing
  backends up --help               its flags

Names for build: alertmanager prometheus promtool jaeger loki; for up the same
without promtool. No name means all.

A first build of all takes about half an hour on two cores and needs the Go
module proxy; it is done once a machine.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintf(os.Stderr, "backends: %v\n", err)
		os.Exit(1)
	}
}

// run does what args say. Results go to stdout, what is going on to stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	command := "help"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	cache, err := pinned.Cache()
	if err != nil {
		return err
	}
	switch command {
	case "build":
		return build(ctx, args, cache, stdout, stderr)
	case "up":
		return up(ctx, args, cache, stdout, stderr)
	case "help", "--help", "-help", "-h":
		_, err := io.WriteString(stdout, usage)
		return err
	}
	return fmt.Errorf("no command %q: there are build, up and help", command)
}

// build builds the named programs, all without names.
func build(ctx context.Context, names []string, cache string, stdout, stderr io.Writer) error {
	programs, err := pinned.Named(names...)
	if err != nil {
		return err
	}
	for _, p := range programs {
		path, err := p.Build(ctx, cache, stderr)
		if err != nil {
			return err
		}
		fmt.Fprintln(stdout, path)
	}
	return nil
}
