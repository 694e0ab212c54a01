package demo

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/logging"
	"github.com/sluice-stream/sluice/loadtest/internal/settings"
	"github.com/sluice-stream/sluice/loadtest/internal/target"
	"github.com/sluice-stream/sluice/services/client"
)

const help = `loadtest demo [settings] gives a hub something to do, for ever: a small shop that
publishes, and readers of several kinds. With --faults some of them misbehave on purpose:
refused publishes and connects, repeated ones, readers that stall or answer no pings, and
readers that come back from too far away. A hub that is away is waited for.
`

// options are the settings of a demo.
type options struct {
	hub    target.Hub
	logTo  logging.Options
	rate   float64
	faults bool
	ratio  float64
}

func parse(args []string, getenv func(string) string, out io.Writer) (*options, error) {
	o := &options{}
	set := flag.NewFlagSet("demo", flag.ContinueOnError)
	o.hub.Flags(set)
	set.Float64Var(&o.rate, "rate", 10, "events a second over all topics, up to 100")
	set.BoolVar(&o.faults, "faults", true, "misbehave on purpose as well; --faults=false only behaves")
	set.Float64Var(&o.ratio, "trace-ratio", 0.05, "part of the publishes and connects whose trace is sampled, 0 to 1: each has a line in the log")
	o.logTo.Flags(set)
	if err := settings.Parse(set, args, getenv, help, out); err != nil {
		return nil, err
	}
	switch {
	case !(o.rate > 0 && o.rate <= 100):
		return nil, fmt.Errorf("--rate %v does not fit: more than 0, and 100 at most", o.rate)
	case !(o.ratio >= 0 && o.ratio <= 1):
		return nil, fmt.Errorf("--trace-ratio %v is not between 0 and 1", o.ratio)
	}
	return o, o.hub.Validate()
}

// demo is one that runs.
type demo struct {
	*options
	log       *slog.Logger
	publisher *client.Publisher
	http      *http.Client // for single requests
	health    *condition
	bulk      sync.Mutex // held while somebody fills the bulk
}

// actor does something again and again.
type actor struct {
	every time.Duration // pause between two times, times 0.5 to 1.5
	do    func(ctx context.Context) error
}

// Run plays until ctx ends.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	o, err := parse(args, getenv, stdout)
	if err != nil {
		return err
	}
	log, endLog, err := o.logTo.Open(stdout, "demo")
	if err != nil {
		return err
	}
	defer endLog()
	publisher, done, err := o.hub.Publisher()
	if err != nil {
		return err
	}
	defer done()
	single, done := o.hub.Client()
	defer done()
	single.Timeout = 10 * time.Second
	d := &demo{options: o, log: log, publisher: publisher, http: single, health: &condition{log: log}}
	actors := append(d.publishers(), d.readers()...)
	if o.faults {
		actors = append(actors, d.badPublishers()...)
		actors = append(actors, d.badReaders()...)
	}
	log.Info("playing", "event_type", "start", "url", o.hub.URL, "actors", len(actors), "faults", o.faults)
	var playing sync.WaitGroup
	for _, a := range actors {
		playing.Go(func() { d.play(ctx, a) })
	}
	playing.Wait()
	return nil
}

// play lets an actor act until ctx ends.
func (d *demo) play(ctx context.Context, a actor) {
	for pause(ctx, min(a.every, time.Second)) {
		err := a.do(ctx)
		if ctx.Err() != nil {
			return
		}
		d.health.note(err)
		if err != nil && !pause(ctx, 2*time.Second) || !pause(ctx, a.every) {
			return
		}
	}
}

// pause waits for the given time, times 0.5 to 1.5, and reports whether ctx has
// not ended.
func pause(ctx context.Context, about time.Duration) bool {
	timer := time.NewTimer(about/2 + rand.N(about+1))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
