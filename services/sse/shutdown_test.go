package sse_test

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/sse"
)

// TestShutdownInGoodOrder: every stream gets what it has begun and its end,
// and nobody comes in any more.
func TestShutdownInGoodOrder(t *testing.T) {
	for name, o := range drivers {
		t.Run(name, func(t *testing.T) {
			f := serve(t, o)
			var clients []*client
			for i := range 20 {
				c := f.follow(t, []string{"topic=a", "topic=a&topic=b"}[i%2], "")
				c.next()
				clients = append(clients, c)
			}
			f.publish("a", "x")
			for _, c := range clients {
				c.next()
			}
			var late *http1
			if name == "loop" {
				late = f.dial(t, 0)
			}
			done := make(chan error, 1)
			go func() { done <- f.h.Shutdown(context.Background()) }()
			for _, c := range clients {
				if m, err := c.Next(); err != io.EOF {
					t.Errorf("%v, %v", m, err)
				}
				c.hangUp()
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
			if late != nil {
				late.request("GET", "/v1/events?topic=a")
				expectRejected(t, late, 503, "draining", "")
			}
			for _, e := range f.observer.all() {
				if e.reason != sse.ReasonDrain || e.err != nil || e.sent.Events != 1 {
					t.Errorf("%s, %v, %+v", e.reason, e.err, e.sent)
				}
			}
			if n := len(f.observer.all()); n != 20 {
				t.Errorf("%d ends", n)
			}
		})
	}
}

// TestShutdownDoesNotWaitForStalled: a client that takes nothing holds it no
// longer than the context, and pins nothing behind it.
func TestShutdownDoesNotWaitForStalled(t *testing.T) {
	t.Parallel()
	for name, o := range drivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.handler = &sse.Handler{WriteTimeout: time.Minute}
			o.budget, o.store = 4<<20, newDeep()
			f := serve(t, o)
			var stalled []*client
			for i := range 4 {
				c := f.follow(t, []string{"topic=a", "topic=a&topic=b"}[i%2], "")
				c.next()
				stalled = append(stalled, c)
			}
			f.publishN("a", 80, 250<<10)
			f.quiet(t)
			ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
			defer cancel()
			from := time.Now()
			if err := f.h.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("shutdown: %v", err)
			}
			if took := time.Since(from); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			f.checkMemory()
			for _, c := range stalled {
				c.hangUp()
			}
			for _, e := range f.observer.all() {
				if e.reason != sse.ReasonDrain {
					t.Errorf("%s, %v", e.reason, e.err)
				}
			}
		})
	}
}

// quiet waits until nothing more goes to sockets that nobody reads: a stream
// that is not stalled yet would end in good order.
func (f *fixture) quiet(t testing.TB) {
	t.Helper()
	sent, since := uint64(0), time.Now()
	await(t, "the sockets to be full", func() bool {
		if now := f.h.Stats().Sent.Bytes; now != sent {
			sent, since = now, time.Now()
		}
		return time.Since(since) > 500*time.Millisecond
	})
}

// TestShutdownUnderLoad: with clients coming and going and reads under way.
func TestShutdownUnderLoad(t *testing.T) {
	for range 5 {
		store := newDeep()
		f := serve(t, options{store: store, budget: 256 << 10})
		f.publishN("a", 1000, 1<<10)
		stop := make(chan struct{})
		var running sync.WaitGroup
		for i := range 8 {
			running.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					c, err := f.tryFollow(t, "topic=a", "0")
					if err != nil {
						return
					}
					for range i {
						if _, err := c.Next(); err != nil {
							break
						}
					}
					c.hangUp()
				}
			})
		}
		f.observer.wait(t, "some streams", func() bool { return len(f.observer.connected) > 20 })
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if err := f.h.Shutdown(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		close(stop)
		running.Wait()
		f.stop()
	}
}

// TestNothingIsLeftBehind: thousands of connects and disconnects at random
// moments leave no descriptor, goroutine, pin or followed topic.
func TestNothingIsLeftBehind(t *testing.T) {
	f := serve(t, options{store: newDeep(), budget: 256 << 10, noisy: true})
	f.publishN("a", 500, 1<<10)
	w := f.get(t, "topic=a")
	w.next()
	w.reset()
	await(t, "the first to leave", func() bool { return f.h.Stats().Connections == 0 })
	goroutines, descriptors := runtime.NumGoroutine(), countDescriptors(t)

	names := []string{"a", "b", "ghost", "wraith"}
	var running sync.WaitGroup
	rounds := 250
	if testing.Short() {
		rounds = 50
	}
	for k := range 8 {
		running.Go(func() {
			for i := range rounds {
				w := f.dial(t, 0)
				query := "topic=" + strings.Join(names[i%len(names):], "&topic=")
				id := []string{"", "0", "$"}[i%3]
				w.request("GET", "/v1/events?"+query, "Last-Event-ID: "+id)
				for range (i * (k + 1)) % 7 { // some leave before the head
					if i%7 < 2 {
						break
					}
					if _, err := w.in.ReadString('\n'); err != nil {
						t.Errorf("reading: %v", err)
						break
					}
				}
				if (i+k)%2 == 0 {
					w.reset()
				} else {
					w.conn.Close()
				}
				if i%50 == 0 {
					f.publishN("b", 10, 1<<10)
				}
			}
		})
	}
	running.Wait()
	await(t, "all to leave", func() bool { return f.h.Stats().Connections == 0 })
	await(t, "the account to be that of the tails", func() bool {
		hot := int64(0)
		for _, info := range f.log.Topics() {
			hot += info.HotBytes
		}
		return f.log.Memory() == hot
	})
	f.checkUnfollowed("ghost", "wraith")
	await(t, "descriptors to be closed", func() bool { return countDescriptors(t) <= descriptors })
	await(t, "goroutines to end", func() bool { return runtime.NumGoroutine() <= goroutines+1 })
	if topics := f.log.Topics(); len(topics) != 2 {
		t.Errorf("topics: %v", topics)
	}
}

func countDescriptors(t testing.TB) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc/self/fd")
	}
	return len(entries)
}
