package outbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// ledger is a backend of tests, and what was said to be dropped and sent.
type ledger struct {
	mu      sync.Mutex
	got     []int
	batches int
	fail    error
	hang    chan struct{} // nil: it answers
	deaf    bool          // to its context, while it hangs
	dropped map[string]int
	sent    int
}

func (l *ledger) options() Options[int] {
	l.dropped = map[string]int{}
	return Options[int]{
		Items: 10, Batch: 4,
		Send: func(ctx context.Context, batch []int) error {
			l.mu.Lock()
			fail, hang := l.fail, l.hang
			l.batches++
			l.mu.Unlock()
			if hang != nil {
				if l.deaf {
					<-hang
				} else {
					select {
					case <-hang:
					case <-ctx.Done():
						return ctx.Err()
					}
				}
			}
			if fail != nil {
				return fail
			}
			l.mu.Lock()
			defer l.mu.Unlock()
			l.got = append(l.got, batch...)
			return nil
		},
		Dropped: func(reason string, n int) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.dropped[reason] += n
		},
		Sent: func(n int) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.sent += n
		},
	}
}

func (l *ledger) check(t *testing.T, got []int, dropped map[string]int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !slices.Equal(l.got, got) || l.sent != len(got) {
		t.Errorf("sent %v (%d counted), want %v", l.got, l.sent, got)
	}
	if !maps.Equal(l.dropped, dropped) {
		t.Errorf("dropped %v, want %v", l.dropped, dropped)
	}
}

func numbers(from, to int) (all []int) {
	for i := from; i <= to; i++ {
		all = append(all, i)
	}
	return all
}

func TestSendsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l ledger
		q := New(l.options())
		for i := range 9 {
			q.Put(i + 1)
		}
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		l.check(t, numbers(1, 9), map[string]int{})
		q.Put(10)
		q.Close(t.Context())
		l.check(t, numbers(1, 10), map[string]int{})
		q.Put(11)
		l.check(t, numbers(1, 10), map[string]int{Shutdown: 1})
	})
}

// A batch waits for others to go with, but not for long.
func TestBatchWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l ledger
		q := New(l.options())
		defer q.Close(t.Context())
		q.Put(1)
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		l.check(t, nil, map[string]int{})
		time.Sleep(time.Millisecond)
		synctest.Wait()
		l.check(t, numbers(1, 1), map[string]int{})
	})
}

// While the backend hangs the writer goes on, and the newest are kept.
func TestDropsTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ledger{hang: make(chan struct{})}
		o := l.options()
		o.Timeout = time.Hour
		q := New(o)
		for i := range 4 {
			q.Put(i + 1)
		}
		synctest.Wait() // a batch is under way
		for i := 4; i < 100; i++ {
			q.Put(i + 1)
		}
		if q.Depth() != 10 {
			t.Errorf("%d wait, want 10", q.Depth())
		}
		close(l.hang)
		q.Close(t.Context())
		l.check(t, append(numbers(1, 4), numbers(91, 100)...), map[string]int{QueueFull: 86})
	})
}

func TestBytesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := ledger{hang: make(chan struct{})}
		o := l.options()
		o.Batch, o.Bytes, o.Size, o.Timeout = 1, 100, func(n int) int { return n }, time.Hour
		q := New(o)
		q.Put(1)
		synctest.Wait()
		q.Put(60)
		q.Put(30)
		q.Put(20) // the 60 gives way
		q.Put(101)
		close(l.hang)
		q.Close(t.Context())
		l.check(t, []int{1, 30, 20}, map[string]int{QueueFull: 2})
	})
}

func TestTries(t *testing.T) {
	for _, c := range []struct {
		fail    error
		batches int
		reason  string
	}{
		{errors.New("connection refused"), 3, Unavailable},
		{fmt.Errorf("400: %w", ErrRejected), 1, Rejected},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := ledger{fail: c.fail}
			q := New(l.options())
			q.Put(1)
			time.Sleep(time.Minute)
			l.check(t, nil, map[string]int{c.reason: 1})
			if l.batches != c.batches {
				t.Errorf("%d tries, want %d", l.batches, c.batches)
			}
			l.mu.Lock()
			l.fail = nil // it is back
			l.mu.Unlock()
			q.Put(2)
			q.Close(t.Context())
			l.check(t, []int{2}, map[string]int{c.reason: 1})
		})
	}
}

// A backend that hangs does not hold up the end.
func TestCloseHasADeadline(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := ledger{hang: make(chan struct{}), deaf: deaf}
			q := New(l.options())
			for i := range 7 {
				q.Put(i + 1)
			}
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			began := time.Now()
			q.Close(ctx)
			want := 2 * time.Second
			if deaf {
				want += closeGrace
			}
			if took := time.Since(began); took != want {
				t.Errorf("took %v", took)
			}
			close(l.hang)
			synctest.Wait()
			l.mu.Lock()
			defer l.mu.Unlock()
			if got := l.dropped[Shutdown] + l.sent; got != 7 {
				t.Errorf("%d dropped and %d sent, want 7 in all", l.dropped[Shutdown], l.sent)
			}
		})
	}
}
