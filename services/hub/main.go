// Command hub is the Sluice service. Without a command it serves; "hub
// publish TOPIC" publishes the lines of its standard input.
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

	"github.com/sluice-stream/sluice/services/hub/internal/app"
	"github.com/sluice-stream/sluice/services/hub/internal/feed"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal kills at once
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "hub: %v\n", err)
		os.Exit(1)
	}
}

// run does what args say until it is done or ctx ends.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) error {
	var err error
	if len(args) > 0 && args[0] == "publish" {
		err = feed.Run(ctx, args[1:], getenv, stdin, stdout, stderr)
	} else {
		var s app.Settings
		if s, err = app.Parse(args, getenv, stdout); err == nil {
			err = app.Serve(ctx, s, stdout)
		}
	}
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}
