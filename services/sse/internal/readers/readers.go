package readers

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Bounds of the reader pool.
const (
	readerCount  = 4
	fetchTimeout = 10 * time.Second
	fetchRetry   = time.Second // between tries while the store fails, give or take a fifth
)

// Job asks for the page after a cursor. Done is called once, by a worker, with
// a pinned block, with a gap, or with neither where the events have become
// resident or the pool has stopped.
type Job struct {
	Cursor eventlog.Cursor
	Again  bool         // the stream has had a page before
	Gone   *atomic.Bool // the stream has ended: the job is moot
	Done   func(*eventlog.Block, *eventlog.GapError)
}

// Pool is a bounded number of readers.
type Pool struct {
	ctx     context.Context
	logOf   func(topic string) *eventlog.Log
	failed  func(topic string, err error)
	fetched atomic.Uint64
	workers sync.WaitGroup

	mu       sync.Mutex // guards what follows
	fresh    fifo
	reading  fifo
	turn     bool
	idle     *sync.Cond
	closed   bool
	lastWarn time.Time
}

type fifo struct {
	jobs []Job
	head int
}

func (f *fifo) push(j Job) { f.jobs = append(f.jobs, j) }

func (f *fifo) len() int { return len(f.jobs) - f.head }

func (f *fifo) pop() (Job, bool) {
	if f.head == len(f.jobs) {
		return Job{}, false
	}
	j := f.jobs[f.head]
	f.jobs[f.head] = Job{}
	f.head++
	if f.head == len(f.jobs) {
		f.jobs, f.head = f.jobs[:0], 0
	} else if f.head > 1024 && f.head*2 > len(f.jobs) {
		f.jobs = append(f.jobs[:0], f.jobs[f.head:]...)
		f.head = 0
	}
	return j, true
}

// New returns a pool whose reads end with ctx. It is told which log a topic is
// in, and whom to tell, once a second at most, that a store could not be read.
func New(ctx context.Context, logOf func(topic string) *eventlog.Log, failed func(topic string, err error)) *Pool {
	r := &Pool{ctx: ctx, logOf: logOf, failed: failed}
	r.idle = sync.NewCond(&r.mu)
	for range readerCount {
		r.workers.Go(r.run)
	}
	return r
}

// Fetched returns how many pages have been read.
func (r *Pool) Fetched() uint64 { return r.fetched.Load() }

// Ask queues a job.
func (r *Pool) Ask(j Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if j.Again {
		r.reading.push(j)
	} else {
		r.fresh.push(j)
	}
	r.idle.Signal()
}

// Waiting returns how many jobs there are.
func (r *Pool) Waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fresh.len() + r.reading.len()
}

func (r *Pool) take() (Job, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.closed {
		first, second := &r.fresh, &r.reading
		if r.turn {
			first, second = second, first
		}
		r.turn = !r.turn
		if j, ok := first.pop(); ok {
			return j, true
		}
		if j, ok := second.pop(); ok {
			return j, true
		}
		r.idle.Wait()
	}
	return Job{}, false
}

func (r *Pool) run() {
	for {
		j, ok := r.take()
		if !ok {
			return
		}
		r.fetch(j)
	}
}

func (r *Pool) fetch(j Job) {
	if j.Gone.Load() {
		j.Done(nil, nil)
		return
	}
	ctx, cancel := context.WithTimeout(r.ctx, fetchTimeout)
	defer cancel()
	block, err := r.logOf(j.Cursor.Topic.Name()).Fetch(ctx, j.Cursor)
	if block != nil {
		r.fetched.Add(1)
	}
	var gap *eventlog.GapError
	switch {
	case err == nil, errors.As(err, &gap), r.ctx.Err() != nil, j.Gone.Load():
		j.Done(block, gap)
	default:
		r.warn(j.Cursor.Topic.Name(), err)
		// The stream stays open, with its heartbeats, until the store is back.
		time.AfterFunc(fetchRetry*4/5+rand.N(fetchRetry*2/5), func() { r.Ask(j) })
	}
}

// warn tells of a failing store, once a second at most.
func (r *Pool) warn(topic string, err error) {
	r.mu.Lock()
	quiet := time.Since(r.lastWarn) < time.Second
	if !quiet {
		r.lastWarn = time.Now()
	}
	r.mu.Unlock()
	if !quiet {
		r.failed(topic, err)
	}
}

// Stop ends the workers. Jobs that are still queued are dropped: their
// streams are gone.
func (r *Pool) Stop() {
	r.mu.Lock()
	r.closed = true
	r.idle.Broadcast()
	r.mu.Unlock()
	r.workers.Wait()
}
