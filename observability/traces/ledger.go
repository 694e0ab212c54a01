package traces

import (
	"context"
	"sync"

	"github.com/sluice-stream/sluice/observability/outbox"
)

// ledger sees to it that every span that ended is reported once.
type ledger struct {
	reportDropped func(reason string, spans int)
	reportSent    func(spans int)

	mu     sync.Mutex
	open   int           // ended, and not reported yet
	sealed bool          // what is reported from now on was reported as lost
	idle   chan struct{} // closed when none is open; nil: nobody waits
}

func newLedger(o Options) *ledger {
	return &ledger{reportDropped: o.Dropped, reportSent: o.Sent}
}

// ended takes in a span, and reports whether it is worth queueing.
func (l *ledger) ended() bool {
	l.mu.Lock()
	sealed := l.sealed
	if !sealed {
		l.open++
	}
	l.mu.Unlock()
	if sealed {
		l.reportDropped(outbox.Shutdown, 1)
	}
	return !sealed
}

func (l *ledger) sent(spans int) {
	if l.settle(spans) {
		l.reportSent(spans)
	}
}

func (l *ledger) dropped(reason string, spans int) {
	if l.settle(spans) {
		l.reportDropped(reason, spans)
	}
}

// settle reports whether these spans are still to be reported.
func (l *ledger) settle(spans int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sealed || spans == 0 {
		return false
	}
	l.open -= spans
	if l.open == 0 && l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
	return true
}

// wait waits until all spans are reported, and says whether they are.
func (l *ledger) wait(ctx context.Context) bool {
	l.mu.Lock()
	if l.open == 0 {
		l.mu.Unlock()
		return true
	}
	if l.idle == nil {
		l.idle = make(chan struct{})
	}
	idle := l.idle
	l.mu.Unlock()
	select {
	case <-idle:
		return true
	case <-ctx.Done():
		return false
	}
}

// seal reports what is open as lost: a send that did not end in time.
func (l *ledger) seal() {
	l.mu.Lock()
	left := l.open
	l.open, l.sealed = 0, true
	if l.idle != nil {
		close(l.idle)
		l.idle = nil
	}
	l.mu.Unlock()
	if left > 0 {
		l.reportDropped(outbox.Shutdown, left)
	}
}
