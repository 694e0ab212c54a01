package sse

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Bounds of the reader pool.
const (
	readerCount  = 4
	fetchTimeout = 10 * time.Second
	fetchRetry   = time.Second // between tries while the store fails
)

// fetchJob asks for the page after a cursor. done is called once, with a
// pinned block, with a gap, or with neither where the events have become
// resident or the pool has stopped.
type fetchJob struct {
	cursor eventlog.Cursor
	again  bool         // the stream has had a page before
	gone   *atomic.Bool // the stream has ended: the job is moot
	done   func(*eventlog.Block, *eventlog.GapError)
}

// readers is the pool that reads pages from the store for streams below the
// hot tail. It is first come, first served, page by page, and streams that
// read their first page take turns with those that read on.
type readers struct {
	ctx     context.Context
	h       *Handler
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
	jobs []fetchJob
	head int
}

func (f *fifo) push(j fetchJob) { f.jobs = append(f.jobs, j) }

func (f *fifo) len() int { return len(f.jobs) - f.head }

func (f *fifo) pop() (fetchJob, bool) {
	if f.head == len(f.jobs) {
		return fetchJob{}, false
	}
	j := f.jobs[f.head]
	f.jobs[f.head] = fetchJob{}
	f.head++
	if f.head == len(f.jobs) {
		f.jobs, f.head = f.jobs[:0], 0
	} else if f.head > 1024 && f.head*2 > len(f.jobs) {
		f.jobs = append(f.jobs[:0], f.jobs[f.head:]...)
		f.head = 0
	}
	return j, true
}

func newReaders(ctx context.Context, h *Handler) *readers {
	r := &readers{ctx: ctx, h: h}
	r.idle = sync.NewCond(&r.mu)
	for range readerCount {
		r.workers.Go(r.run)
	}
	return r
}

// ask queues a job.
func (r *readers) ask(j fetchJob) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if j.again {
		r.reading.push(j)
	} else {
		r.fresh.push(j)
	}
	r.idle.Signal()
}

// waiting returns how many jobs there are.
func (r *readers) waiting() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.fresh.len() + r.reading.len()
}

func (r *readers) take() (fetchJob, bool) {
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
	return fetchJob{}, false
}

func (r *readers) run() {
	for {
		j, ok := r.take()
		if !ok {
			return
		}
		r.fetch(j)
	}
}

func (r *readers) fetch(j fetchJob) {
	if j.gone.Load() {
		j.done(nil, nil)
		return
	}
	ctx, cancel := context.WithTimeout(r.ctx, fetchTimeout)
	defer cancel()
	block, err := r.h.logOf(j.cursor.Topic.Name()).Fetch(ctx, j.cursor)
	if block != nil {
		r.fetched.Add(1)
	}
	var gap *eventlog.GapError
	switch {
	case err == nil, errors.As(err, &gap), r.ctx.Err() != nil, j.gone.Load():
		j.done(block, gap)
	default:
		r.warn(j.cursor.Topic.Name(), err)
		// The stream stays open, with its heartbeats, until the store is back.
		time.AfterFunc(jitter(fetchRetry, 0.2), func() { r.ask(j) })
	}
}

// warn tells of a failing store, once a second at most.
func (r *readers) warn(topic string, err error) {
	r.mu.Lock()
	quiet := time.Since(r.lastWarn) < time.Second
	if !quiet {
		r.lastWarn = time.Now()
	}
	r.mu.Unlock()
	if o := r.h.Observer; o != nil && !quiet {
		o.Failed(topic, err)
	}
}

// stop ends the workers. Jobs that are still queued are dropped: their
// streams are gone.
func (r *readers) stop() {
	r.mu.Lock()
	r.closed = true
	r.idle.Broadcast()
	r.mu.Unlock()
	r.workers.Wait()
}
