// Command edge is the front door of a hub: nginx, with a configuration that fits
// the hub and the machine, and metrics, logs and spans of what it does.
//
// nginx is its child and ends with it. The edge itself handles no request: it
// fills in the configuration, follows the hub's address where nginx does not,
// and reads what nginx writes.
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

	"github.com/sluice-stream/sluice/services/edge/internal/app"
	"github.com/sluice-stream/sluice/services/edge/internal/settings"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills at once
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "edge: %v\n", err)
		os.Exit(1)
	}
}

// run does what args say until it is done or ctx ends.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	do := app.Serve
	if len(args) > 0 && args[0] == "healthcheck" {
		do, args = app.Healthcheck, args[1:]
	}
	s, err := settings.Parse(args, getenv, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	return do(ctx, s, getenv, stdout)
}
