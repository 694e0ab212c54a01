package stacktest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// always is a token for every request.
func always(token string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return token, nil }
}

// A follower reads events whose data are 0, 1, 2 and so on through the edge,
// each once and in order, whatever happens in between.
type follower struct {
	next  atomic.Int64 // the event that comes next
	count atomic.Int64 // how often its stream began
	ended chan error   // gets one error, or nil after the last event
}

// follow reads a topic from its beginning up to the last event.
func follow(ctx context.Context, url, token, topic string, last int64) *follower {
	f := &follower{ended: make(chan error, 1)}
	go func() { f.ended <- f.run(ctx, url, token, topic, last) }()
	return f
}

func (f *follower) run(ctx context.Context, url, token, topic string, last int64) error {
	subscription := client.Subscribe(ctx, client.Options{
		URL: url, Topics: []string{topic}, LastEventID: "0", Token: always(token), Spare: -1,
		OnState: func(s client.State) {
			if s.Phase == client.Open {
				f.count.Add(1)
			}
		},
	})
	for event, err := range subscription {
		switch want := fmt.Sprint(f.next.Load()); {
		case err != nil:
			return err
		case event.Gap != nil:
			return fmt.Errorf("a gap before %s: %+v", want, *event.Gap)
		case event.Data != want:
			return fmt.Errorf("event %s after %d of them, want %s", event.Data, f.next.Load(), want)
		}
		if f.next.Add(1) > last {
			return nil
		}
	}
	return fmt.Errorf("the subscription ended at %d", f.next.Load())
}

// numbers publishes first to last, each until it is stored.
func numbers(ctx context.Context, p *client.Publisher, topic string, first, last int64) error {
	for n := first; n <= last; n++ {
		if _, err := p.Publish(ctx, topic, client.Message{Data: fmt.Sprint(n)}); err != nil {
			return fmt.Errorf("publishing %d: %w", n, err)
		}
	}
	return nil
}

// reached waits until a follower has that many events.
func (f *follower) reached(t *testing.T, n int64) {
	t.Helper()
	eventually(t, 2*time.Minute, fmt.Sprintf("%d events", n), func() error {
		select {
		case err := <-f.ended:
			f.ended <- err
			if err != nil {
				t.Fatal(err)
			}
		default:
		}
		if got := f.next.Load(); got < n {
			return fmt.Errorf("%d of them", got)
		}
		return nil
	})
}
