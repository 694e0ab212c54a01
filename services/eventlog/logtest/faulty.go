package logtest

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Op is what a store is asked to do.
type Op string

// The operations that faults can be put into.
const (
	Append Op = "append"
	Read   Op = "read"
)

// Call is one call of a store.
type Call struct {
	Op           Op
	Topic        string
	After, Until eventlog.ID // of a read
}

// A Fault is asked before a call reaches the store. What it returns is the
// call's answer; nil lets the call through, as the fault has changed it.
type Fault func(ctx context.Context, c *Call) error

// Faulty is a store with faults in front of another. Set changes them while
// it works; without any it does what the other does.
type Faulty struct {
	eventlog.Store
	fault atomic.Pointer[Fault]
}

// NewFaulty returns a store that works, until a fault is set.
func NewFaulty(s eventlog.Store) *Faulty { return &Faulty{Store: s} }

// Unwrap tells eventlog.Open which store is behind.
func (f *Faulty) Unwrap() eventlog.Store { return f.Store }

// Set puts a fault in place of the one before; nil: none.
func (f *Faulty) Set(fault Fault) { f.fault.Store(&fault) }

func (f *Faulty) ask(ctx context.Context, c *Call) error {
	if fault := f.fault.Load(); fault != nil && *fault != nil {
		return (*fault)(ctx, c)
	}
	return nil
}

// Append implements eventlog.Store.
func (f *Faulty) Append(ctx context.Context, topic string, entries []eventlog.Entry) []eventlog.Result {
	if err := f.ask(ctx, &Call{Op: Append, Topic: topic}); err != nil {
		return eventlog.FailAll(len(entries), err)
	}
	return f.Store.Append(ctx, topic, entries)
}

// Read implements eventlog.Store.
func (f *Faulty) Read(ctx context.Context, topic string, after, until eventlog.ID, visit func(eventlog.Event) bool) error {
	c := &Call{Read, topic, after, until}
	if err := f.ask(ctx, c); err != nil {
		return err
	}
	return f.Store.Read(ctx, c.Topic, c.After, c.Until, visit)
}

// Fail answers every call with an error.
func Fail(err error) Fault {
	return func(context.Context, *Call) error { return err }
}

// FailNth answers the nth call, counted from 1, with an error.
func FailNth(n int64, err error) Fault {
	var calls atomic.Int64
	return func(context.Context, *Call) error {
		if calls.Add(1) == n {
			return err
		}
		return nil
	}
}

// Hang holds every call until release is called or its context ends.
func Hang() (fault Fault, release func()) {
	released := make(chan struct{})
	return func(ctx context.Context, _ *Call) error {
		select {
		case <-released:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}, sync.OnceFunc(func() { close(released) })
}

// Delay lets every call through after a time.
func Delay(d time.Duration) Fault {
	return func(ctx context.Context, _ *Call) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// Damage makes the events of a topic above after and through another
// unreadable; both are events or the beginning.
func Damage(topic string, after, through eventlog.ID) Fault {
	return func(_ context.Context, c *Call) error {
		switch {
		case c.Op != Read || c.Topic != topic || !c.After.Less(through) || !after.Less(c.Until):
		case c.After.Less(after):
			c.Until = after
		default:
			return &eventlog.GapError{Topic: topic, After: c.After, Through: through, Cause: eventlog.Damaged}
		}
		return nil
	}
}

// Only restricts a fault to one operation.
func Only(op Op, fault Fault) Fault {
	return func(ctx context.Context, c *Call) error {
		if c.Op != op {
			return nil
		}
		return fault(ctx, c)
	}
}
