package crew

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/rpc"
	"os/exec"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/account"
)

// Crew is the workers of a load test, as its coordinator has them.
type Crew struct {
	workers []*rpc.Client
	jobs    []Job
	running sync.WaitGroup
}

// Start starts so many workers: one in this process, several in processes of
// their own, which command starts.
func Start(ctx context.Context, workers int, command []string, stderr io.Writer) (*Crew, error) {
	c := &Crew{}
	for range workers {
		var conn io.ReadWriteCloser
		var err error
		if workers == 1 {
			conn = c.inside(ctx)
		} else if conn, err = c.process(ctx, command, stderr); err != nil {
			c.Close()
			return nil, err
		}
		c.workers = append(c.workers, rpc.NewClient(conn))
	}
	return c, nil
}

// inside starts a worker in this process.
func (c *Crew) inside(ctx context.Context) io.ReadWriteCloser {
	ours, theirs := net.Pipe()
	c.running.Go(func() { _ = Serve(ctx, theirs) }) // a connection in memory does not fail
	return ours
}

// process starts a worker in a process of its own.
func (c *Crew) process(ctx context.Context, command []string, stderr io.Writer) (io.ReadWriteCloser, error) {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stderr = stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("start a worker: %w", err)
	}
	c.running.Go(func() { _ = cmd.Wait() }) // its calls fail where it did
	return &pipe{out, in}, nil
}

// pipe is a process's output and input.
type pipe struct {
	io.Reader
	io.WriteCloser
}

// each calls a method of every worker at the same time; args and replies are by
// worker.
func each[A, R any](c *Crew, method string, args func(i int) A) ([]R, error) {
	replies := make([]R, len(c.workers))
	errs := make([]error, len(c.workers))
	var all sync.WaitGroup
	for i, w := range c.workers {
		all.Go(func() { errs[i] = w.Call("Worker."+method, args(i), &replies[i]) })
	}
	all.Wait()
	return replies, errors.Join(errs...)
}

// Prepare divides a job, which names all streams and connections, among the
// workers.
func (c *Crew) Prepare(whole Job) error {
	n := len(c.workers)
	c.jobs = make([]Job, n)
	stream, lane := 0, 0
	for i := range c.jobs {
		j := whole
		j.FirstStream, j.Streams = stream, share(whole.Streams, i, n)
		j.FirstLane, j.Connections = lane, share(whole.Connections, i, n)
		stream, lane = stream+j.Streams, lane+j.Connections
		c.jobs[i] = j
	}
	_, err := each[Job, Nothing](c, "Prepare", func(i int) Job { return c.jobs[i] })
	return err
}

// share is part i of a number that is divided into n.
func share(of, i, n int) int { return of*(i+1)/n - of*i/n }

// Open asks for all streams, so many a second in all.
func (c *Crew) Open(from time.Time, rate float64) error {
	_, err := each[Opening, Nothing](c, "Open", func(i int) Opening {
		return Opening{from, rate / float64(len(c.workers))}
	})
	return err
}

// Publish publishes as a plan of all connections says, and returns what is known
// of all lanes: by topic, then connection.
func (c *Crew) Publish(p Publishing) ([]account.Lane, error) {
	total := 0
	for i := range c.jobs {
		total += c.jobs[i].Connections
	}
	all, err := each[Publishing, [][]account.Lane](c, "Publish", func(i int) Publishing {
		part := p
		part.Rate = p.Rate * float64(c.jobs[i].Connections) / float64(max(total, 1))
		part.Events = share(p.Events, i, len(c.jobs))
		part.None = p.Events > 0 && part.Events == 0 || c.jobs[i].Connections == 0
		return part
	})
	if err != nil {
		return nil, err
	}
	lanes := make([]account.Lane, len(c.jobs[0].Topics)*total)
	lane := 0
	for _, conns := range all {
		for _, topics := range conns {
			for t, l := range topics {
				lanes[t*total+lane] = l
			}
			lane++
		}
	}
	return lanes, nil
}

// Cut cuts streams off: all, which then stay away until Return, or so many of
// each worker, which come back within a second.
func (c *Crew) Cut(some int) error {
	_, err := each[int, Nothing](c, "Cut", func(i int) int { return share(some, i, len(c.workers)) })
	return err
}

// Return lets all streams come back, each at a random time of a window.
func (c *Crew) Return(window time.Duration) error {
	_, err := each[time.Duration, Nothing](c, "Return", func(int) time.Duration { return window })
	return err
}

// Settle waits until no stream is behind what is known of the lanes.
func (c *Crew) Settle(lanes []account.Lane, patience time.Duration) (total Settled, err error) {
	all, err := each[Claim, Settled](c, "Settle", func(int) Claim { return Claim{lanes, patience} })
	for _, s := range all {
		total.Totals.Add(s.Totals)
		total.Without += s.Without
		if s.At.After(total.At) {
			total.At = s.At
		}
	}
	return total, err
}

// Look returns what all saw since the last look, by worker.
func (c *Crew) Look() ([]Look, error) {
	return each[Nothing, Look](c, "Look", func(int) Nothing { return Nothing{} })
}

// Close ends the workers.
func (c *Crew) Close() {
	for _, w := range c.workers {
		_ = w.Call("Worker.Close", Nothing{}, &Nothing{}) // it may be gone
		_ = w.Close()
	}
	c.running.Wait()
}
