package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// countedReader counts what comes from a socket.
type countedReader struct {
	io.Reader
	bytes *atomic.Int64
}

func (r countedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.bytes.Add(int64(n))
	return n, err
}

// readThrough follows orders until it has seen the last of so many events, and
// calls see for each.
func readThrough(t *testing.T, address, query, last string, bytes *atomic.Int64, see func(wire.Message)) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return
	}
	t.Cleanup(func() { c.Close() }) // not before: a stream that has ended may be counted with less
	fmt.Fprintf(c, "GET /v1/events?topic=orders%s HTTP/1.1\r\nHost: %s\r\n\r\n", query, address)
	answer, err := http.ReadResponse(bufio.NewReader(countedReader{c, bytes}), nil)
	if err != nil {
		t.Error(err)
		return
	}
	for events := wire.NewDecoder(answer.Body); ; {
		m, err := events.Next()
		if err != nil {
			t.Error(err)
			return
		}
		if !strings.HasPrefix(m.Type, "stream.") {
			see(m)
		}
		if m.Data == last {
			break
		}
	}
	go func() { _, _ = io.Copy(io.Discard, answer.Body) }() // the end of the chunk; closing ends it
}

// What the hub says that it delivered is what readers got, to the event and to
// the byte, live and replayed.
func TestDeliveriesAreExact(t *testing.T) {
	h := startHub(t, "--heartbeat-interval", "0")
	address := strings.TrimPrefix(h.public, "http://")
	const live, late, first, second = 15, 10, 500, 3000
	var readers sync.WaitGroup
	var events, bytes atomic.Int64
	count := func(wire.Message) { events.Add(1) }
	batch := func(from, to int) {
		for ; from < to; from += 100 {
			var lines strings.Builder
			for i := range 100 {
				fmt.Fprintf(&lines, "{\"data\":\"%d\"}\n", from+i)
			}
			answer, _ := ask(t, http.DefaultClient, "POST", h.public+"/v1/topics/orders/events", lines.String(), header{"Content-Type": "application/x-ndjson"})
			if answer.StatusCode != 200 {
				t.Fatal(answer.Status)
			}
		}
	}
	last := fmt.Sprint(first + second - 1)
	for range live {
		readers.Go(func() { readThrough(t, address, "", last, &bytes, count) })
	}
	await(t, "the live streams", func() bool { return metric(t, h.admin, "sse_connections") == live })
	batch(0, first)
	for range late {
		readers.Go(func() { readThrough(t, address, "&last_event_id=0", last, &bytes, count) })
	}
	await(t, "the late streams", func() bool { return metric(t, h.admin, "sse_connections") == live+late })
	batch(first, first+second)
	readers.Wait()
	if n := events.Load(); n != (live+late)*(first+second) {
		t.Errorf("readers got %d events", n)
	}
	// A loop shows its figures after each pass.
	await(t, "the hub to count as many deliveries as its readers", func() bool {
		return metric(t, h.admin, "sse_deliveries_total") == float64(events.Load())
	})
	if n := metric(t, h.admin, `sse_deliveries_total{path="replay"}`); n != late*first {
		t.Errorf("%v of them are replays, want %d", n, late*first)
	}
	await(t, "the hub to count as many bytes as its readers", func() bool {
		return metric(t, h.admin, "sse_delivered_bytes_total") == float64(bytes.Load())
	})
}

// The hub's own latency is what readers measure by their clocks. The flush
// interval makes it a tenth of a second and more, beside which what the machine
// adds on the way to a reader is little.
func TestLatencyIsWhatReadersSee(t *testing.T) {
	const interval = 300 * time.Millisecond
	h := startHub(t, "--flush-interval", interval.String(), "--heartbeat-interval", "0")
	address := strings.TrimPrefix(h.public, "http://")
	const streams, events = 4, 200
	var readers sync.WaitGroup
	var mu sync.Mutex
	var sum time.Duration
	for range streams {
		readers.Go(func() {
			readThrough(t, address, "", fmt.Sprint(events-1), new(atomic.Int64), func(m wire.Message) {
				now := time.Now()
				id, err := wire.ParseID(m.ID)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				sum += now.Sub(time.UnixMilli(int64(id.MS)))
			})
		})
	}
	await(t, "the streams", func() bool { return metric(t, h.admin, "sse_connections") == streams })
	for i := range events {
		if answer, _ := ask(t, http.DefaultClient, "POST", h.public+"/v1/topics/orders/events", fmt.Sprint(i), nil); answer.StatusCode != 201 {
			t.Fatal(answer.Status)
		}
		time.Sleep(10 * time.Millisecond)
	}
	readers.Wait()
	n := float64(streams * events)
	await(t, "all deliveries to be measured, since they are so few", func() bool {
		return metric(t, h.admin, `sse_delivery_latency_seconds_count{path="live"}`) == n
	})
	own := metric(t, h.admin, `sse_delivery_latency_seconds_sum{path="live"}`) / n
	theirs := sum.Seconds() / n
	t.Logf("mean latency %.1f ms by the hub, %.1f ms by its readers", own*1e3, theirs*1e3)
	if theirs < interval.Seconds()/4 {
		t.Fatalf("the flush interval makes no latency: %v", theirs)
	}
	// The id has milliseconds, and readers share the machine.
	if math.Abs(own-theirs) > .002+.2*theirs {
		t.Errorf("the hub measures %v s, readers %v s", own, theirs)
	}
	if fanned := metric(t, h.admin, "sse_fanout_seconds_sum") / metric(t, h.admin, "sse_fanout_seconds_count"); math.Abs(fanned-own) > .002+.2*own {
		t.Errorf("events take %v s to be fanned out, and %v s to be delivered", fanned, own)
	}
}
