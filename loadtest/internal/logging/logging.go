// Package logging is where the commands of loadtest log: on standard output
// always, and to a Loki where one is named, as the hub does it.
package logging

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"time"

	"github.com/sluice-stream/sluice/observability/logs"
)

// Options say where lines go beside standard output.
type Options struct {
	LokiURL     string // address of a Loki; empty: none
	Environment string // name of the deployment, by which Loki tells lines apart
}

// Flags binds the flags that say so. They are the hub's.
func (o *Options) Flags(set *flag.FlagSet) {
	set.StringVar(&o.LokiURL, "loki-url", "", "address of a Loki that gets the log, as standard output does")
	set.StringVar(&o.Environment, "environment", "dev", "name of the deployment in the log (label env)")
}

var name = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// grace is how long the end may wait for a Loki.
const grace = 2 * time.Second

// Open begins to log as a service. No line waits for Loki, or for who reads
// standard output. end writes and sends what waits, as far as there is time.
func (o *Options) Open(stdout io.Writer, service string) (log *slog.Logger, end func(), err error) {
	if !name.MatchString(o.Environment) {
		return nil, nil, fmt.Errorf("--environment %q: use 1 to 64 letters, digits, dots, hyphens or underscores", o.Environment)
	}
	l, err := logs.New(logs.Options{Out: stdout, LokiURL: o.LokiURL, Service: service, Environment: o.Environment})
	if err != nil {
		return nil, nil, fmt.Errorf("--loki-url: %w", err)
	}
	end = func() {
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		l.Close(ctx)
	}
	return l.Logger(), end, nil
}

// Milliseconds is a time as lines have it.
func Milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
