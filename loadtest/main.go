// Command loadtest drives a hub over the wire, as its clients do: it measures how
// fast it is and proves that nothing was lost, it probes it, and gives it something
// to do for a demonstration.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/sluice-stream/sluice/loadtest/internal/bare"
	"github.com/sluice-stream/sluice/loadtest/internal/compare"
	"github.com/sluice-stream/sluice/loadtest/internal/crew"
	"github.com/sluice-stream/sluice/loadtest/internal/demo"
	"github.com/sluice-stream/sluice/loadtest/internal/probe"
	"github.com/sluice-stream/sluice/loadtest/internal/scenario"
)

const usage = `loadtest drives a hub over the wire, as its clients do.

Load tests, each with a report and an account of every event:

{scenarios}
Beside them:

  loadtest compare A B             of two reports, or folders of them: better, worse or noise
  loadtest bare [settings]         the limit that streams are held against: a loop that only writes
  loadtest demo [settings]         publish and subscribe for ever, well and badly behaved
  loadtest probe [settings]        publish and read back every second, and say how it goes on /metrics
  loadtest healthcheck [settings]  ask a probe on this machine whether it is at work

Each has --help. A setting is a flag or an environment variable: --token-file is
LOADTEST_TOKEN_FILE. The flag wins.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills at once
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "loadtest: %v\n", err)
		os.Exit(1)
	}
}

// help is usage with all scenarios.
func help() string {
	list := ""
	names, about := scenario.Names()
	for i, name := range names {
		list += fmt.Sprintf("  loadtest %-8s %s\n", name, about[i])
	}
	return strings.Replace(usage, "{scenarios}", list, 1)
}

func runScenario(ctx context.Context, name string, args []string, getenv func(string) string, stdout io.Writer) error {
	if names, _ := scenario.Names(); !slices.Contains(names, name) {
		return fmt.Errorf("%q is not a command: loadtest help lists them", name)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	return scenario.Run(ctx, name, args, getenv, stdout, []string{self})
}

// stdio is a worker's way to its coordinator.
type stdio struct {
	io.Reader
	io.WriteCloser
}

// run does what args say until it is done or ctx ends.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	command := "help"
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	var err error
	switch command {
	case "demo":
		err = demo.Run(ctx, args, getenv, stdout)
	case "probe":
		err = probe.Run(ctx, args, getenv, stdout)
	case "healthcheck":
		err = probe.Healthcheck(ctx, args, getenv, stdout)
	case "help", "--help", "-help", "-h":
		_, err = io.WriteString(stdout, help())
	case "bare":
		err = bare.Run(ctx, args, getenv, stdout)
	case "compare":
		err = compare.Run(ctx, args, getenv, stdout)
	case "worker":
		err = crew.Serve(context.WithoutCancel(ctx), stdio{os.Stdin, os.Stdout})
	default:
		err = runScenario(ctx, command, args, getenv, stdout)
	}
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}
