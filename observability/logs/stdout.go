package logs

import (
	"context"
	"io"
	"sync"
)

const (
	// stdoutBytes is how much may wait for a slow reader of standard output:
	// some ten thousand lines.
	stdoutBytes = 4 << 20

	// maxIdleBatch is how much of a burst's buffer is kept for the next one.
	maxIdleBatch = 64 << 10
)

// stdout is a writer of lines that never waits for its reader. Lines are
// logged from delivery loops, where a full pipe on standard output would hold
// up every stream; a line that finds the queue full is dropped and counted
// instead.
type stdout struct {
	out     io.Writer
	limit   int
	dropped func(lines int)

	mu      sync.Mutex // held for a few copies in memory
	pending []byte
	closed  bool
	more    sync.Cond // there is something pending, or the queue was closed
	done    chan struct{}
}

// newStdout starts a queue of at most limit bytes in front of out, which
// close ends. Each Write is one line.
func newStdout(out io.Writer, limit int, dropped func(lines int)) *stdout {
	q := &stdout{out: out, limit: limit, dropped: dropped, done: make(chan struct{})}
	q.more.L = &q.mu
	go q.run()
	return q
}

// Write queues a line. It always reports success: there is nobody to tell.
func (q *stdout) Write(line []byte) (int, error) {
	q.mu.Lock()
	full := q.closed || len(q.pending)+len(line) > q.limit
	if !full {
		q.pending = append(q.pending, line...)
		q.more.Signal()
	}
	q.mu.Unlock()
	if full {
		q.dropped(1)
	}
	return len(line), nil
}

// close writes what is queued, for as long as its reader takes it within the
// time of ctx. A write that hangs is left behind.
func (q *stdout) close(ctx context.Context) {
	q.mu.Lock()
	q.closed = true
	q.more.Signal()
	q.mu.Unlock()
	select {
	case <-q.done:
	case <-ctx.Done():
	}
}

func (q *stdout) run() {
	defer close(q.done)
	var batch []byte
	for {
		q.mu.Lock()
		for len(q.pending) == 0 && !q.closed {
			q.more.Wait()
		}
		batch, q.pending = q.pending, batch[:0]
		q.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		// Logs that cannot be written cannot be logged either.
		_, _ = q.out.Write(batch)
		if cap(batch) > maxIdleBatch {
			batch = nil
		}
	}
}
