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
	"github.com/sluice-stream/sluice/services/hub/internal/commands"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
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
	err := dispatch(ctx, args, commands.Process{Getenv: getenv, Stdin: stdin, Stdout: stdout, Stderr: stderr})
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

func dispatch(ctx context.Context, args []string, p commands.Process) error {
	if len(args) > 0 {
		if known, err := p.Run(ctx, args[0], args[1:], settings.Defaults().AdminListen); known {
			return err
		}
		switch args[0] {
		case "version":
			_, err := fmt.Fprintln(p.Stdout, version())
			return err
		case "help":
			args = []string{"--help"}
		}
	}
	s, err := settings.Parse(args, p.Getenv, p.Stdout)
	if err != nil {
		return err
	}
	s.Version, s.Getenv = buildVersion(), p.Getenv
	return app.Serve(ctx, s, p.Stdout)
}
