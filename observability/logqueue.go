package observability

import (
	"io"
	"sync"
	"time"
)

// LogQueue is a writer of log lines that never waits for its reader. Lines
// are logged from delivery loops, where a full pipe on standard output would
// hold up every stream; a line that finds the queue full is dropped and
// counted instead.
type LogQueue struct {
	out     io.Writer
	limit   int
	dropped func(lines int)

	mu      sync.Mutex
	pending []byte
	closed  bool
	more    sync.Cond // there is something pending, or the queue was closed
	done    chan struct{}
}

// NewLogQueue starts a queue of at most limit bytes in front of out. Close
// ends it. Each Write is one line.
func NewLogQueue(out io.Writer, limit int, dropped func(lines int)) *LogQueue {
	q := &LogQueue{out: out, limit: limit, dropped: dropped, done: make(chan struct{})}
	q.more.L = &q.mu
	go q.run()
	return q
}

// Write queues a line. It always reports success: there is nobody to tell.
func (q *LogQueue) Write(line []byte) (int, error) {
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

// Close writes what is queued, for as long as its reader takes it within the
// given time. A write that hangs is left behind.
func (q *LogQueue) Close(within time.Duration) {
	q.mu.Lock()
	q.closed = true
	q.more.Signal()
	q.mu.Unlock()
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-q.done:
	case <-late.C:
	}
}

func (q *LogQueue) run() {
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

// maxIdleBatch is how much of a burst's buffer is kept for the next one.
const maxIdleBatch = 64 << 10
