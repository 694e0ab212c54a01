package admission

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	errStore  = errors.New("the store failed")
	errCaller = errors.New("the caller failed")
)

// What it tells.
const (
	toClosed   = "closed"
	toHalfOpen = "half-open"
	toOpen     = "open"
)

// tested is a breaker and what it told.
type tested struct {
	*Breaker
	t       *testing.T
	changes []string
}

func newTested(t *testing.T) *tested {
	b := &tested{t: t}
	b.Breaker = NewBreaker(BreakerOptions{
		Name: "test", Failures: 3, Open: time.Minute,
		Failed: func(err error) bool { return errors.Is(err, errStore) },
		Changed: func(to string, cause error) {
			if (to == toOpen) != (cause == errStore) {
				t.Errorf("to %s because of %v", to, cause)
			}
			b.changes = append(b.changes, to)
		},
	})
	return b
}

// does has a request end in a way, and checks what the breaker answers.
func (b *tested) does(errs ...error) {
	b.t.Helper()
	for _, err := range errs {
		if got := b.Do(func() error { return err }); got != err {
			b.t.Errorf("answered %v, want %v", got, err)
		}
	}
}

// refuses checks that a request is not let through, and until when.
func (b *tested) refuses(after time.Duration) {
	b.t.Helper()
	var r *Refused
	if err := b.Do(func() error { b.t.Error("let through"); return nil }); !errors.As(err, &r) || r.After != after {
		b.t.Errorf("answered %v, want a refusal for %v", err, after)
	}
}

func (b *tested) panics() {
	b.t.Helper()
	defer func() {
		if recover() != "poison" {
			b.t.Error("the panic was swallowed")
		}
	}()
	_ = b.Do(func() error { panic("poison") })
}

func (b *tested) expect(state int, changes ...string) {
	b.t.Helper()
	if b.State() != state || !slices.Equal(b.changes, changes) {
		b.t.Errorf("in state %d after %v, want %d after %v", b.State(), b.changes, state, changes)
	}
}

func virtual(t *testing.T, test func(b *tested)) {
	synctest.Test(t, func(t *testing.T) { test(newTested(t)) })
}

func TestBreakerOpensAfterThree(t *testing.T) {
	virtual(t, func(b *tested) {
		b.does(errStore, errStore, nil, errStore, errStore)
		b.expect(0)
		b.does(errStore)
		b.expect(2, toOpen)
		b.refuses(time.Minute)
		time.Sleep(59*time.Second + 900*time.Millisecond)
		b.refuses(100 * time.Millisecond)
		if err := b.Check(); err == nil {
			t.Error("an open breaker lets requests begin")
		}
	})
}

func TestBreakerCloses(t *testing.T) {
	virtual(t, func(b *tested) {
		b.does(errStore, errStore, errStore)
		time.Sleep(time.Minute)
		if err := b.Check(); err != nil {
			t.Errorf("nobody may try: %v", err)
		}
		b.does(nil)
		b.expect(0, toOpen, toHalfOpen, toClosed)
		b.does(errStore, errStore) // counted from anew
		b.expect(0, toOpen, toHalfOpen, toClosed)
	})
}

func TestBreakerOpensAgain(t *testing.T) {
	virtual(t, func(b *tested) {
		b.does(errStore, errStore, errStore)
		time.Sleep(time.Minute)
		b.does(errStore)
		b.expect(2, toOpen, toHalfOpen, toOpen)
		b.refuses(time.Minute)
		time.Sleep(time.Minute)
		b.expect(1, toOpen, toHalfOpen, toOpen, toHalfOpen) // who looks sees it, too
	})
}

// One request at a time finds out whether the store works again.
func TestBreakerTriesOne(t *testing.T) {
	virtual(t, func(b *tested) {
		b.does(errStore, errStore, errStore)
		time.Sleep(time.Minute)
		var trial sync.WaitGroup
		trial.Go(func() {
			_ = b.Do(func() error { time.Sleep(10 * time.Second); return nil })
		})
		synctest.Wait()
		b.refuses(0)
		trial.Wait()
		b.expect(0, toOpen, toHalfOpen, toClosed)
	})
}

// What is no fault of the store's neither opens nor closes, and does not keep
// others from trying.
func TestBreakerIgnoresCallers(t *testing.T) {
	virtual(t, func(b *tested) {
		for range 10 {
			b.does(errCaller)
			b.panics()
		}
		b.expect(0)
		b.does(errStore, errCaller, errStore)
		b.panics()
		b.does(errStore)
		b.expect(2, toOpen)
		time.Sleep(time.Minute)
		b.panics()
		b.does(errCaller)
		b.expect(1, toOpen, toHalfOpen)
		b.does(nil)
		b.expect(0, toOpen, toHalfOpen, toClosed)
	})
}

// Requests that were under way when it opened are of the time before.
func TestBreakerIgnoresTheLate(t *testing.T) {
	virtual(t, func(b *tested) {
		var late sync.WaitGroup
		for i := range 10 {
			late.Go(func() {
				_ = b.Do(func() error {
					time.Sleep(time.Minute + time.Duration(i)*time.Second)
					return errStore
				})
			})
		}
		synctest.Wait()
		b.does(errStore, errStore, errStore)
		time.Sleep(time.Minute)
		b.does(nil)
		late.Wait()
		b.expect(0, toOpen, toHalfOpen, toClosed)
	})
}

func TestBreakerOff(t *testing.T) {
	b := &tested{t: t, Breaker: NewBreaker(BreakerOptions{})}
	for range 100 {
		b.does(errStore)
	}
	b.panics()
	b.does(nil)
	b.expect(0)
}
