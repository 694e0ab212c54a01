package logtest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// TestFaulty works the faults over the ephemeral store.
func TestFaulty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := NewFaulty(eventlog.Memory(eventlog.MemoryOptions{}))
		log, err := eventlog.Open(f, eventlog.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer log.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		publish := func() error {
			_, err := log.Append(ctx, "topic", eventlog.TextEntry("", "x"))
			return err
		}
		broken := errors.New("broken")
		want := func(what string, err, want error) {
			t.Helper()
			if !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
		}
		want("without a fault", publish(), nil)
		f.Set(Fail(broken))
		want("fail", publish(), broken)
		f.Set(FailNth(2, broken))
		want("the first", publish(), nil)
		want("the second", publish(), broken)
		want("the third", publish(), nil)
		f.Set(Only(Read, Fail(broken)))
		want("a fault of reads", publish(), nil)
		start := time.Now()
		f.Set(Delay(time.Second))
		want("delay", publish(), nil)
		if d := time.Since(start); d != time.Second {
			t.Errorf("it took %v", d)
		}
		hang, release := Hang()
		f.Set(hang)
		time.AfterFunc(5*time.Second, release)
		want("released", publish(), nil)
		hang, _ = Hang()
		f.Set(hang)
		want("hanging until the context ends", publish(), context.DeadlineExceeded)
		f.Set(nil)
	})
}

// TestDamage reads around events that can't be read.
func TestDamage(t *testing.T) {
	at := func(ms uint64) eventlog.ID { return eventlog.ID{MS: ms} }
	fault := Damage("topic", at(10), at(20))
	for _, c := range []struct {
		after, until, clipped uint64
		gap                   bool
	}{
		{0, 5, 5, false},
		{0, 10, 10, false},
		{0, 30, 10, false},
		{10, 30, 30, true},
		{15, 30, 30, true},
		{20, 30, 30, false},
	} {
		call := &Call{Read, "topic", at(c.after), at(c.until)}
		err := fault(context.Background(), call)
		if (err != nil) != c.gap || call.Until != at(c.clipped) {
			t.Errorf("read after %d until %d: %v, until %v", c.after, c.until, err, call.Until)
		}
	}
	if err := fault(context.Background(), &Call{Read, "other", at(10), at(30)}); err != nil {
		t.Errorf("another topic: %v", err)
	}
}
