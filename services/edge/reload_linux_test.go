package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// A reload takes effect within a bounded time, however long streams would stay:
// they come back, not all at once, and none has lost an event or got one twice.
func TestReload(t *testing.T) {
	t.Parallel()
	e, _ := behindEdge(t, []string{"--linger", "1s"})

	const streams, events = 60, 100
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	var opened []time.Time
	var readers sync.WaitGroup
	for range streams {
		readers.Go(func() {
			var got []string
			for event, err := range client.Subscribe(ctx, client.Options{
				URL: e.url, Topics: []string{"orders"}, LastEventID: "0", Spare: -1,
				OnState: func(s client.State) {
					if s.Phase == client.Open {
						mu.Lock()
						opened = append(opened, time.Now())
						mu.Unlock()
					}
				},
			}) {
				if err != nil {
					t.Errorf("after %d events: %v", len(got), err)
					return
				}
				got = append(got, event.Data)
				if len(got) == events {
					break
				}
			}
			for i, data := range got {
				if data != fmt.Sprint(i) {
					t.Errorf("event %d is %s", i, data)
					return
				}
			}
		})
	}
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(opened)
	}
	await(t, "all streams", func() bool { return count() == streams })
	for i := range events / 2 {
		publish(t, e.url, "orders", fmt.Sprint(i))
	}
	before := time.Now()
	if err := e.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for i := events / 2; i < events-1; i++ { // through the reload and after it
		publish(t, e.url, "orders", fmt.Sprint(i))
		time.Sleep(50 * time.Millisecond)
	}
	await(t, "old workers are gone", func() bool { return figure(t, e, `sse_edge_workers{state="ending"}`) == 0 })
	if took := time.Since(before); took > 15*time.Second {
		t.Errorf("the reload took %v", took)
	}
	await(t, "all streams again", func() bool { return count() == 2*streams })
	publish(t, e.url, "orders", fmt.Sprint(events-1))
	readers.Wait()
	back := slices.Clone(opened[streams:])
	slices.SortFunc(back, time.Time.Compare)
	spread := back[len(back)-1].Sub(back[0])
	t.Logf("%d streams came back within %v, the first %v after the reload", streams, spread.Round(time.Millisecond), back[0].Sub(before).Round(time.Millisecond))
	if spread < 300*time.Millisecond {
		t.Errorf("all came back within %v", spread)
	}
}
