// Package commands is what the hub's binary can do beside serving: each command
// is a package below, named as it is typed ("hub init" is setup).
package commands

import (
	"context"
	"io"

	"github.com/sluice-stream/sluice/services/hub/internal/commands/admin"
	"github.com/sluice-stream/sluice/services/hub/internal/commands/healthcheck"
	"github.com/sluice-stream/sluice/services/hub/internal/commands/publish"
	"github.com/sluice-stream/sluice/services/hub/internal/commands/setup"
	"github.com/sluice-stream/sluice/services/hub/internal/commands/token"
)

// Process is what a command has of the process that it runs in.
type Process struct {
	Getenv         func(string) string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Run runs a command with its arguments until it is done or ctx ends, and
// reports whether there is one of that name. adminListen is where a hub's
// admin listener is unless something else is said.
func (p Process) Run(ctx context.Context, name string, args []string, adminListen string) (known bool, err error) {
	switch name {
	case "publish":
		err = publish.Run(ctx, args, p.Getenv, p.Stdin, p.Stdout, p.Stderr)
	case "healthcheck":
		err = healthcheck.Run(ctx, args, p.Getenv, adminListen, p.Stdout)
	case "init":
		err = setup.Run(args, p.Stdout)
	case "token":
		err = token.Run(args, p.Getenv, p.Stdout)
	case "admin":
		err = admin.Run(ctx, args, p.Getenv, adminListen, p.Stdout)
	default:
		return false, nil
	}
	return true, err
}
