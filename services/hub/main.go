// Command hub is the Sluice service. Without a command it serves; "hub
// publish TOPIC" publishes the lines of its standard input, "hub healthcheck"
// and "hub admin" ask a hub, "hub init" and "hub token" make secrets and tokens.
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
	"github.com/sluice-stream/sluice/services/hub/internal/healthcheck"
	"github.com/sluice-stream/sluice/services/hub/internal/minting"
	"github.com/sluice-stream/sluice/services/hub/internal/operate"
	"github.com/sluice-stream/sluice/services/hub/internal/setup"
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
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	var err error
	switch command {
	case "publish":
		err = feed.Run(ctx, args[1:], getenv, stdin, stdout, stderr)
	case "healthcheck":
		err = healthcheck.Run(ctx, args[1:], getenv, app.Defaults().AdminListen, stdout)
	case "init":
		err = setup.Run(args[1:], stdout)
	case "token":
		err = minting.Run(args[1:], getenv, stdout)
	case "admin":
		err = operate.Run(ctx, args[1:], getenv, app.Defaults().AdminListen, stdout)
	case "version":
		_, err = fmt.Fprintln(stdout, version())
	case "help":
		_, err = app.Parse([]string{"--help"}, getenv, stdout)
	default:
		err = serve(ctx, args, getenv, stdout)
	}
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

func serve(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	s, err := app.Parse(args, getenv, stdout)
	if err != nil {
		return err
	}
	s.Version, s.Getenv = buildVersion(), getenv
	return app.Serve(ctx, s, stdout)
}
