package scenario

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/account"
	"github.com/sluice-stream/sluice/loadtest/internal/crew"
	"github.com/sluice-stream/sluice/loadtest/internal/publishers"
	"github.com/sluice-stream/sluice/loadtest/internal/report"
)

// runner is one run of a scenario. Its methods are for one goroutine, but for
// the sampler's.
type runner struct {
	*options
	ctx      context.Context
	out      io.Writer
	terminal bool // somebody looks at out
	log      *slog.Logger
	command  []string // starts a worker

	run     uint32
	crew    *crew.Crew
	sampler *sampler
	lanes   []account.Lane // what is known of them since the beginning
	settled crew.Settled
	report  *report.Report

	measuredFrom, publishedAt, settledAt time.Time // of what was measured: its begin, the last answer, the last delivery
}

// Failed is a run that is no success.
type Failed struct{ Reasons []string }

func (f *Failed) Error() string {
	if len(f.Reasons) == 1 {
		return "the run failed: " + f.Reasons[0]
	}
	return fmt.Sprintf("the run failed, for %d reasons: %s, …", len(f.Reasons), f.Reasons[0])
}

// Run runs the scenario of a name. command starts this program as a worker.
func Run(ctx context.Context, name string, args []string, getenv func(string) string, out io.Writer, command []string) error {
	p, ok := presetOf(name)
	if !ok {
		return fmt.Errorf("%q is no scenario", name)
	}
	o, err := parse(p, args, getenv, out)
	if err != nil {
		return err
	}
	r := &runner{options: o, ctx: ctx, out: &writer{to: out}, terminal: isTerminal(out), command: command, run: newRun()}
	logOut := r.out
	if r.terminal { // a person reads the table
		logOut = io.Discard
	}
	log, endLog, err := o.logTo.Open(logOut, "loadtest")
	if err != nil {
		return err
	}
	defer endLog()
	r.log = log
	return r.do()
}

// writer is where several goroutines write to.
type writer struct {
	mu sync.Mutex // guards to
	to io.Writer
}

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// newRun returns a name that no other run has: its digits begin trace ids.
func newRun() uint32 {
	var p [4]byte
	_, _ = rand.Read(p[:]) // never fails: it ends the program where there is no randomness
	return binary.BigEndian.Uint32(p[:]) | 1
}

// name is the run's, as trace ids have it.
func (r *runner) name() string { return fmt.Sprintf("%08x", r.run) }

func (r *runner) do() error {
	began := time.Now()
	r.report = &report.Report{Run: r.name(), Scenario: r.preset.name, Began: began, Figures: map[string]float64{}, Traces: r.traces}
	if err := r.describe(); err != nil {
		return err
	}
	if err := r.measureCeiling(); err != nil {
		return err
	}
	r.log.Info("load test begins", "event_type", "loadtest", "run", r.name(), "scenario", r.preset.name, "phase", "begin")
	err := r.drive()
	r.report.Seconds = time.Since(began).Seconds()
	if err != nil {
		r.report.Failures = append(r.report.Failures, err.Error())
	}
	r.judge()
	r.log.Info("load test ended", "event_type", "loadtest", "run", r.name(), "scenario", r.preset.name, "phase", "end",
		"duration_ms", time.Since(began).Milliseconds(), "failures", len(r.report.Failures),
		"published", r.report.Account.Accepted, "delivered", r.report.Account.Delivered, "lost", r.report.Account.Lost,
		"delivery_p99_ms", r.report.Figures["delivery_p99_ms"])
	r.report.Text(r.out)
	if err := r.write(); err != nil {
		return err
	}
	if len(r.report.Failures) > 0 {
		return &Failed{r.report.Failures}
	}
	return nil
}

// drive opens the streams, measures and settles.
func (r *runner) drive() (err error) {
	if r.crew, err = crew.Start(r.ctx, r.processes, append(r.command, "worker"), r.out); err != nil {
		return err
	}
	defer r.crew.Close()
	if err := r.crew.Prepare(r.job()); err != nil {
		return err
	}
	r.sampler = newSampler(r)
	if err := r.sampler.serve(); err != nil {
		return err
	}
	defer r.sampler.stop()
	r.lanes = make([]account.Lane, r.topics*r.connections)
	before := r.insideNow()
	if err := r.connect(); err != nil {
		return err
	}
	if err := r.preset.measure(r); err != nil {
		return err
	}
	r.sampler.look()
	r.reckonInside(before)
	return nil
}

// job is what the workers have.
func (r *runner) job() crew.Job {
	j := crew.Job{Run: r.run, Paths: r.paths, Apart: r.apart, Spread: r.spread, TopicsEach: r.topicsEach, Lanes: r.connections,
		Streams: r.streams, Slow: r.slow, Never: r.never, SlowBytes: r.slowBytes, Late: r.late,
		Connections: r.connections, Type: r.kind, Sizes: r.sizes, TraceRatio: r.traceRatio, Patience: r.patience}
	for _, u := range r.urls {
		j.Hubs = append(j.Hubs, crew.Address{URL: u, TokenFile: r.hub.TokenFile, TLSCA: r.hub.TLSCA, TLSName: r.hub.TLSName})
	}
	for i := range r.topics {
		j.Topics = append(j.Topics, r.prefix+strconv.Itoa(i))
	}
	return j
}

// connect opens all streams and waits until they are there.
func (r *runner) connect() error {
	r.sampler.phase("connect")
	began := time.Now()
	r.note("streams_asked", float64(r.streams))
	if err := r.crew.Open(began, r.connectRate); err != nil {
		return err
	}
	for late := time.Now().Add(r.patience); ; {
		if open := r.sampler.look(); open >= r.streams || time.Now().After(late) || r.ctx.Err() != nil {
			r.note("streams", float64(open))
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	r.note("connect_s", time.Since(began).Seconds())
	return r.ctx.Err()
}

// publish publishes, and notes what is known of the lanes then.
func (r *runner) publish(p publishers.Plan) error {
	lanes, err := r.crew.Publish(crew.Publishing{Plan: p, From: time.Now(), Patience: r.patience})
	if err == nil {
		r.lanes = lanes
	}
	return err
}

// settle waits until the streams have what was published.
func (r *runner) settle() (err error) {
	r.settled, err = r.crew.Settle(r.lanes, r.patience)
	return err
}

// note sets a figure.
func (r *runner) note(name string, value float64) { r.report.Figures[name] = value }
