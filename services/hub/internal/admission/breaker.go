package admission

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"
)

// Breaker gives a store that fails a rest. It opens after so many requests in
// a row have failed by the store, and refuses for a time; then one request is
// let through, which closes it or opens it again.
//
// Requests count when they are done. One that succeeds begins the row anew;
// one that the store did not fail, a panic among them, counts for nothing: no
// caller can open a breaker that others need.
type Breaker struct {
	options BreakerOptions
	circuit *gobreaker.CircuitBreaker[struct{}] // nil: it is off
	until   atomic.Pointer[time.Time]           // when it lets somebody through again; nil: it is not open
	cause   atomic.Pointer[error]               // of the last failure
}

// BreakerOptions say when a breaker opens and for how long.
type BreakerOptions struct {
	Name     string
	Failures int           // in a row; 0: never
	Open     time.Duration // how long it refuses
	// Failed reports whether an error is the store's failure.
	Failed func(error) bool
	// Changed is told of every change, to "closed", "half-open" or "open", and
	// then of the failure behind it; else that is nil. It must not block, nor use the breaker.
	Changed func(to string, cause error)
}

// NewBreaker returns a closed breaker.
func NewBreaker(o BreakerOptions) *Breaker {
	b := &Breaker{options: o}
	if o.Failures == 0 {
		return b
	}
	b.circuit = gobreaker.NewCircuitBreaker[struct{}](gobreaker.Settings{
		Name:    o.Name,
		Timeout: o.Open - 1, // at the end of the time somebody may come, not only after it
		ReadyToTrip: func(c gobreaker.Counts) bool {
			return int64(c.ConsecutiveFailures) >= int64(o.Failures)
		},
		IsExcluded:    func(err error) bool { return err != nil && !errors.As(err, new(*failure)) },
		OnStateChange: func(_ string, _, to gobreaker.State) { b.changed(to) },
	})
	return b
}

// Refused says that a breaker let a request not through.
type Refused struct {
	// After is when it will let one through; 0: when the one is done that it
	// has let through already.
	After time.Duration
}

func (r *Refused) Error() string { return "the breaker is open" }

// failure marks the errors that count: what the circuit makes of a panic is
// an error as well.
type failure struct{ error }

// Do does what depends on the store, or answers with a *[Refused]. What do
// returns it returns.
func (b *Breaker) Do(do func() error) error {
	if b.circuit == nil {
		return do()
	}
	_, err := b.circuit.Execute(func() (struct{}, error) {
		err := do()
		if err != nil && b.options.Failed(err) {
			cause := err
			b.cause.Store(&cause)
			err = &failure{err}
		}
		return struct{}{}, err
	})
	var failed *failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed):
		return failed.error
	case errors.Is(err, gobreaker.ErrTooManyRequests):
		return &Refused{}
	case errors.Is(err, gobreaker.ErrOpenState):
		return &Refused{b.left()}
	}
	return err
}

// Check answers with a *[Refused] where Do would for sure, without doing
// anything: before a request is read that would come to nothing.
func (b *Breaker) Check() error {
	if left := b.left(); left > 0 {
		return &Refused{left}
	}
	return nil
}

// State returns the state as a figure: 0 closed, 1 half-open, 2 open.
func (b *Breaker) State() int {
	if b.circuit == nil {
		return int(gobreaker.StateClosed)
	}
	return int(b.circuit.State())
}

// left returns for how long the breaker stays open; 0: it is not.
func (b *Breaker) left() time.Duration {
	until := b.until.Load()
	if until == nil {
		return 0
	}
	return max(time.Until(*until), 0)
}

// changed is called with the circuit locked.
func (b *Breaker) changed(to gobreaker.State) {
	var cause error
	if to == gobreaker.StateOpen {
		until := time.Now().Add(b.options.Open)
		b.until.Store(&until)
		if err := b.cause.Load(); err != nil {
			cause = *err
		}
	} else {
		b.until.Store(nil)
	}
	b.options.Changed(to.String(), cause)
}
