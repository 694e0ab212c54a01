package demo

import (
	"context"
	"io"
)

func Run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	return nil
}
