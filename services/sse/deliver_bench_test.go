package sse_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// sinkhole connects n subscribers whose bytes are read and thrown away. They
// read from the start: that a stream is counted does not mean that it has
// been given its head yet.
func (f *fixture) sinkhole(t testing.TB, n int, query string) {
	t.Helper()
	for range n {
		c, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, requestText("GET", "/v1/events?last_event_id=0&"+query)); err != nil {
			t.Fatal(err)
		}
		var reader sync.WaitGroup
		reader.Go(func() {
			buf := make([]byte, 64<<10)
			for {
				if _, err := c.Read(buf); err != nil {
					return
				}
			}
		})
		t.Cleanup(func() { c.Close(); reader.Wait() })
	}
	await(t, "the subscribers", func() bool { return f.h.Stats().Connections >= n })
}

// delivered waits until a number of events has gone to sockets.
func (f *fixture) delivered(t testing.TB, n uint64) {
	t.Helper()
	await(t, "deliveries", func() bool { return f.h.Stats().Sent.Events >= n })
}

// TestDeliveryDoesNotAllocate: of a hundred thousand deliveries, whether one
// event goes out with a write or many.
func TestDeliveryDoesNotAllocate(t *testing.T) {
	for name, query := range map[string]string{"one topic": "topic=a", "two topics": "topic=a&topic=b"} {
		t.Run(name, func(t *testing.T) {
			const subscribers, rounds, batch, warm = 200, 100, 10, 20
			f := serve(t, options{budget: 1 << 20, handler: &sse.Handler{HeartbeatInterval: -1}})
			f.sinkhole(t, subscribers, query)
			entry := eventlog.TextEntry("", strings.Repeat("x", 100))
			publish := func(from, to int) {
				for i := from; i < to; i++ {
					for range batch {
						if _, err := f.log.Append(context.Background(), "a", entry); err != nil {
							t.Fatal(err)
						}
					}
					f.delivered(t, uint64((i+1)*batch*subscribers))
				}
			}
			publish(0, warm)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			publish(warm, rounds+warm)
			runtime.ReadMemStats(&after)
			per := float64(after.Mallocs-before.Mallocs) / (subscribers * rounds * batch)
			t.Logf("%.4f allocations a delivery", per)
			if per > 0.01 { // appends, and what the test and its timers need
				t.Errorf("%.4f allocations a delivery", per)
			}
		})
	}
}

// BenchmarkDeliver measures one event going to each of 500 subscribers, and
// batches of events.
func BenchmarkDeliver(b *testing.B) {
	for _, batch := range []int{1, 64} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) { benchmarkDeliver(b, batch, 500, "topic=a") })
	}
}

// BenchmarkMerge is BenchmarkDeliver for subscribers of four topics.
func BenchmarkMerge(b *testing.B) {
	for _, batch := range []int{1, 64} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			benchmarkDeliver(b, batch, 500, "topic=a&topic=b&topic=c&topic=d")
		})
	}
}

func benchmarkDeliver(b *testing.B, batch, subscribers int, query string) {
	f := serve(b, options{budget: 64 << 20, handler: &sse.Handler{HeartbeatInterval: -1, FlushInterval: time.Duration(batch-1) * 10 * time.Microsecond}})
	f.sinkhole(b, subscribers, query)
	entry := eventlog.TextEntry("", strings.Repeat("x", 128))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	sent := uint64(0)
	b.SetBytes(int64(entry.Size() * subscribers * batch))
	for b.Loop() {
		for range batch {
			if _, err := f.log.Append(context.Background(), "a", entry); err != nil {
				b.Fatal(err)
			}
		}
		sent += uint64(subscribers * batch)
		for f.h.Stats().Sent.Events < sent {
			runtime.Gosched()
		}
	}
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(sent), "ns/delivery")
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(sent), "allocs/delivery")
}
