package crew

import (
	"context"
	"errors"
	"io"
	"net/rpc"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/account"
	"github.com/sluice-stream/sluice/loadtest/internal/publishers"
	"github.com/sluice-stream/sluice/loadtest/internal/streams"
)

// Worker is one, as net/rpc calls it.
type Worker struct {
	ctx  context.Context
	mu   sync.Mutex // guards what follows, never held while a call works
	job  Job
	subs *streams.Set
	pubs *publishers.Set
}

// Nothing is the argument, or the answer, of a call that has none.
type Nothing struct{}

// Serve works for the coordinator at the other end of a connection, until that is
// closed.
func Serve(ctx context.Context, conn io.ReadWriteCloser) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &Worker{ctx: ctx}
	s := rpc.NewServer()
	if err := s.Register(w); err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { conn.Close() })
	s.ServeConn(conn)
	cancel()
	return w.Close(Nothing{}, nil)
}

// Prepare says what is to be done.
func (w *Worker) Prepare(j Job, _ *Nothing) error {
	subs, pubs, err := j.sets()
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.job, w.subs, w.pubs = j, subs, pubs
	return nil
}

func (w *Worker) sets() (*streams.Set, *publishers.Set, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.subs == nil {
		return nil, nil, errors.New("nothing was prepared")
	}
	return w.subs, w.pubs, nil
}

// Opening says when streams are asked for.
type Opening struct {
	From time.Time
	Rate float64 // a second, of this worker; 0: all at once
}

// Open asks for all streams.
func (w *Worker) Open(o Opening, _ *Nothing) error {
	subs, _, err := w.sets()
	if err != nil {
		return err
	}
	specs := make([]streams.Spec, w.job.Streams)
	for i := range specs {
		specs[i] = w.job.spec(w.job.FirstStream + i)
	}
	return subs.Open(w.ctx, specs, o.From, o.Rate)
}

// Publishing is a plan and when it begins. Its end is waited for, and then for
// Patience until all is answered.
type Publishing struct {
	publishers.Plan
	None     bool // the worker has no part in it
	From     time.Time
	Patience time.Duration
}

// length is how long the plan takes; 0: nobody knows.
func (p *Publishing) length() time.Duration {
	if p.For == 0 && p.Rate > 0 {
		return time.Duration(float64(p.Events) / p.Rate * float64(time.Second))
	}
	return p.For
}

// Publish publishes, and answers with what is known of all lanes since the
// beginning: by connection, then topic.
func (w *Worker) Publish(p Publishing, lanes *[][]account.Lane) error {
	_, pubs, err := w.sets()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(w.ctx)
	defer cancel()
	if length := p.length(); length > 0 {
		late := time.AfterFunc(time.Until(p.From)+length+p.Patience, cancel)
		defer late.Stop()
	}
	if !p.None {
		pubs.Run(ctx, p.Plan, p.From)
	}
	*lanes = pubs.Lanes()
	return w.ctx.Err()
}

// Cut cuts streams off: all, which then stay away until Return, or some, which
// come back within a second.
func (w *Worker) Cut(some int, _ *Nothing) error {
	subs, _, err := w.sets()
	if err != nil {
		return err
	}
	if some > 0 {
		subs.Shake(some)
	} else {
		subs.Cut()
	}
	return nil
}

// Return lets the streams come back within a window.
func (w *Worker) Return(window time.Duration, _ *Nothing) error {
	subs, _, err := w.sets()
	if err == nil {
		subs.Return(window)
	}
	return err
}

// Claim is what was published, and how long to wait for it.
type Claim struct {
	Lanes    []account.Lane // by topic, then connection
	Patience time.Duration
}

// Settled is how the streams stand to a claim.
type Settled struct {
	account.Totals
	Without int       // streams that could not be had
	At      time.Time // when that was found
}

// Settle waits until nothing is behind, and answers how streams stand.
func (w *Worker) Settle(c Claim, s *Settled) error {
	subs, _, err := w.sets()
	if err != nil {
		return err
	}
	late := time.Now().Add(c.Patience)
	for {
		s.Totals, s.Without = subs.Sum(c.Lanes)
		s.At = time.Now()
		if s.Behind == 0 && s.Without == 0 || s.At.After(late) || w.ctx.Err() != nil {
			return w.ctx.Err()
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Look is what a worker saw since the last one.
type Look struct {
	Streams    streams.Seen
	Publishers publishers.Seen
	CPU        float64 // seconds of its process since that began
	Process    int     // its id
}

// Look answers what was seen since the last call.
func (w *Worker) Look(_ Nothing, l *Look) error {
	subs, pubs, err := w.sets()
	if err != nil {
		return err
	}
	*l = Look{subs.Look(), pubs.Look(), ProcessorTime(), processID()}
	return nil
}

// Close ends everything.
func (w *Worker) Close(Nothing, *Nothing) error {
	subs, pubs, err := w.sets()
	if err != nil {
		return nil
	}
	subs.Close()
	pubs.Close()
	return nil
}
