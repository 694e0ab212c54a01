package logtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

func testContextEnded(t *testing.T, o Options) {
	p := publishTo(o.open(t, Config{}, eventlog.Options{}))
	p.many(t, "topic", 3, 0)
	reason := errors.New("the publisher went away")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(reason)
	if _, err := p.log.Append(ctx, "topic", entry(0, "never")); !errors.Is(err, reason) {
		t.Errorf("append with an ended context: %v, want %v", err, reason)
	}
	p.append(t, "topic", entry(0, "after"))
	p.check(t)
}

// testClosed closes a log under its publishers: each is told whether its
// event is in the log, and what was acknowledged is.
func testClosed(t *testing.T, o Options) {
	c := Config{Dir: t.TempDir()}
	p := publishTo(o.open(t, c, eventlog.Options{}))
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			topic := fmt.Sprintf("topic-%d", n)
			for i := 0; ; i++ {
				e := entry(0, "%d", i)
				receipt, err := p.log.Append(context.Background(), topic, e)
				if err != nil {
					if !errors.Is(err, eventlog.ErrClosed) {
						t.Errorf("append while closing: %v, want %v", err, eventlog.ErrClosed)
					}
					return
				}
				p.add(topic, receipt.ID, e)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	shut(t, p.log)
	if _, err := p.log.Append(context.Background(), "topic-0", entry(0, "late")); !errors.Is(err, eventlog.ErrClosed) {
		t.Errorf("append after close: %v, want %v", err, eventlog.ErrClosed)
	}
	wg.Wait()
	if o.Durable {
		p.log = o.open(t, c, eventlog.Options{})
		p.check(t)
	}
}
