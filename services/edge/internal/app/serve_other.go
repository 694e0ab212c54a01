//go:build !linux

package app

import (
	"context"
	"errors"
	"io"

	"github.com/sluice-stream/sluice/services/edge/internal/settings"
)

// Serve has no way to see what nginx does here.
func Serve(context.Context, settings.Settings, func(string) string, io.Writer) error {
	return errors.New("the edge is for Linux: run it in its container (docker compose up), or clients straight at the hub")
}
