package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// states is what a subscription goes through, for a test to wait on.
type states struct {
	mu  sync.Mutex
	all []client.State
}

func (s *states) note(state client.State) {
	s.mu.Lock()
	s.all = append(s.all, state)
	s.mu.Unlock()
}

// count returns how often a phase has come.
func (s *states) count(p client.Phase) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.all {
		if one.Phase == p {
			n++
		}
	}
	return n
}

// first returns the first state of a phase; the zero State where none came.
func (s *states) first(p client.Phase) client.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(one client.State) bool { return one.Phase == p })
	if i < 0 {
		return client.State{}
	}
	return s.all[i]
}

// newPublisher returns a publisher that is closed with the test.
func newPublisher(t *testing.T, url string) *client.Publisher {
	t.Helper()
	p, err := client.NewPublisher(client.PublisherOptions{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// The hub is killed, the way to it is cut, the loop is left in the middle of
// events and begun again: of both topics each event is taken once, in order.
func TestClientLosesNothing(t *testing.T) {
	t.Parallel()
	const events, kills = 1500, 2
	hub := newHubProcess(t, "--store", "disk", "--data", t.TempDir())
	way := newNetwork(t, hub.public)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	var feeding sync.WaitGroup
	part := make(chan struct{}) // of the events have been published
	feeding.Go(func() { feedBoth(ctx, t, newPublisher(t, "http://"+hub.public), events, kills, part) })
	feeding.Go(func() {
		for range kills {
			<-part
			hub.kill()
			way.cut()
			hub.start()
		}
	})
	seen := &states{}
	s := &taker{t: t, next: map[string]int{}, last: events, o: client.Options{URL: "http://" + way.address, Topics: []string{"a", "b"},
		LastEventID: "0", Positions: client.File(filepath.Join(t.TempDir(), "position")), OnState: seen.note}}
	for loops := 1; !s.complete(); loops++ {
		if err := s.loop(ctx); err != nil {
			t.Fatalf("at %v: %v", s.next, err)
		}
		if loops > 50 {
			t.Fatalf("still at %v after %d loops", s.next, loops)
		}
	}
	feeding.Wait()
	t.Logf("%d streams, %d waits, %d gaps", seen.count(client.Open), seen.count(client.Waiting), seen.count(client.Gapped))
	if seen.count(client.Waiting) == 0 || seen.count(client.Gapped) > 0 {
		t.Error("there was less, or more, to outlast than there should have been")
	}
}

// feedBoth publishes numbers to two topics, one by one and in batches.
func feedBoth(ctx context.Context, t *testing.T, p *client.Publisher, events, parts int, part chan<- struct{}) {
	for i := 0; i < events; {
		if i > 0 && i%(events/(parts+1)) == 0 {
			part <- struct{}{}
		}
		if _, err := p.Publish(ctx, "a", client.Message{Data: fmt.Sprint(i)}); err != nil {
			t.Errorf("publish %d: %v", i, err)
			return
		}
		if i++; i%100 > 0 {
			continue
		}
		var batch []client.Message
		for n := i - 100; n < i; n++ {
			batch = append(batch, client.Message{Data: fmt.Sprint(n)})
		}
		if _, err := p.PublishBatch(ctx, "b", batch); err != nil {
			t.Errorf("batch to %d: %v", i, err)
			return
		}
	}
}

// taker takes numbered events, and leaves its loop at some of them.
type taker struct {
	t    *testing.T
	o    client.Options
	next map[string]int
	last int
}

func (s *taker) complete() bool { return s.next["a"] == s.last && s.next["b"] == s.last }

func (s *taker) loop(ctx context.Context) error {
	leave := 50 + rand.IntN(400)
	for e, err := range client.Subscribe(ctx, s.o) {
		if err != nil {
			return err
		}
		if e.Gap != nil || e.Data != fmt.Sprint(s.next[e.Topic]) {
			return fmt.Errorf("got %+v", e)
		}
		if leave--; leave == 0 {
			return nil // it was not taken
		}
		s.next[e.Topic]++
		if s.complete() {
			return nil
		}
	}
	return errors.New("the loop has ended")
}
