// Command loadtest drives a hub over the wire, as its clients do: it probes it,
// and gives it something to do for a demonstration.
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

	"github.com/sluice-stream/sluice/loadtest/internal/demo"
	"github.com/sluice-stream/sluice/loadtest/internal/probe"
)

const usage = `loadtest drives a hub over the wire, as its clients do.

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
		_, err = io.WriteString(stdout, usage)
	default:
		err = fmt.Errorf("%q is not a command: there are demo, probe and healthcheck (loadtest help)", command)
	}
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}
