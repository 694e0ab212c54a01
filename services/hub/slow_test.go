package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// Readers that never read are let go by the write time-out, which the log and
// a counter say. The others get everything meanwhile, the memory budget holds,
// and the ones that were let go resume without loss.
func TestSlowReadersHurtNobody(t *testing.T) {
	const stalled, events, budget = 50, 200, 2 << 20
	readers := 250
	if underRace {
		readers = 50
	}
	h := startHub(t, "--store", "disk", "--data", t.TempDir(), "--write-timeout", "1s",
		"--max-event-bytes", "64KiB", "--memory-budget", "2MiB")
	crowd := newCrowd(events)
	for range readers {
		crowd.follow(h.subscribe("topic=orders", "0"))
	}
	var silent []*silentReader
	for range stalled {
		silent = append(silent, h.subscribeSilently("topic=orders"))
	}

	// No event is published before the last one has arrived everywhere: who
	// reads at all is never behind by more than a socket holds.
	for i := range events {
		publish(t, h, "", nil, numbered(i, 16<<10))
		crowd.await(i)
		if i%10 == 0 {
			if used := metric(t, h.admin, `sse_log_bytes{tier="memory"}`); used > budget {
				t.Errorf("%.0f bytes of memory in use, the budget is %d", used, budget)
			}
		}
	}
	crowd.reading.Wait()
	checkLetGo(t, h, "write_timeout", stalled)

	for _, s := range silent {
		next, last := s.rest(t)
		again := h.subscribe("topic=orders", last)
		for i := next; i < events; i++ {
			if m, err := again.Next(); err != nil || m.Data != numbered(i, 16<<10) {
				t.Fatalf("resumed from %q: event %d is %.20q, %v", last, i, m.Data, err)
			}
		}
	}
}

// Readers on several topics hold what they don't read in memory of their own.
// When that exceeds the budget, the longest stalled give way, and resume
// without loss.
func TestStalledReadersGiveMemoryBack(t *testing.T) {
	t.Parallel()
	const stalled, events, budget = 80, 60, 2 << 20
	h := startHub(t, "--store", "disk", "--data", t.TempDir(), "--write-timeout", "10m",
		"--max-event-bytes", "64KiB", "--memory-budget", "2MiB")
	for i := range events {
		publish(t, h, "", nil, numbered(i, 16<<10))
	}
	var silent []*silentReader
	for range stalled {
		silent = append(silent, h.subscribeSilently("topic=orders&topic=payments"))
	}
	await(t, "readers are let go", func() bool {
		return metric(t, h.admin, `sse_disconnects_total{reason="memory",release="stable"}`) > 0
	})
	await(t, "the budget is kept", func() bool {
		return metric(t, h.admin, `sse_log_bytes{tier="memory"}`) <= budget
	})
	type place struct {
		next int
		last string
	}
	var places []place
	for _, s := range silent {
		s.SetReadDeadline(time.Now().Add(20 * time.Millisecond)) // some are still served
		next, last := s.rest(t)
		s.Close()
		places = append(places, place{next, last})
	}
	await(t, "all are gone", func() bool { return metric(t, h.admin, `sse_connections{release="stable"}`) == 0 })
	for _, p := range places {
		again := h.subscribe("topic=orders&topic=payments", p.last)
		for i := p.next; i < events; i++ {
			if m, err := again.Next(); err != nil || m.Data != numbered(i, 16<<10) {
				t.Fatalf("resumed from %q: event %d is %.20q, %v", p.last, i, m.Data, err)
			}
		}
	}
}

// checkLetGo waits until so many streams ended for a reason, and checks that
// the log has each of them and that no stream ended for another.
func checkLetGo(t *testing.T, h *runningHub, reason string, n int) {
	t.Helper()
	await(t, "streams end: "+reason, func() bool {
		return metric(t, h.admin, fmt.Sprintf(`sse_disconnects_total{reason=%q,release="stable"}`, reason)) == float64(n)
	})
	await(t, "the log says why", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		logged := 0
		for _, l := range h.logs {
			if l["event_type"] == "sse_disconnect" && l["reason"] == reason && l["connection_id"] != "" {
				logged++
			}
		}
		return logged == n
	})
	for _, other := range []string{"write_timeout", "memory", "error", "admin", "drain"} {
		if got := metric(t, h.admin, fmt.Sprintf(`sse_disconnects_total{reason=%q,release="stable"}`, other)); other != reason && got > 0 {
			t.Errorf("%.0f streams ended for the reason %s", got, other)
		}
	}
}

// await waits for what no channel tells of.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for late := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(late) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// numbered is the data of event i.
func numbered(i, size int) string { return fmt.Sprintf("%d %s", i, strings.Repeat("x", size)) }

// crowd are readers that each want the numbered events in their order.
type crowd struct {
	reading sync.WaitGroup
	rounds  []sync.WaitGroup // one for each event
}

func newCrowd(events int) *crowd { return &crowd{rounds: make([]sync.WaitGroup, events)} }

func (c *crowd) follow(s *stream) {
	for i := range c.rounds {
		c.rounds[i].Add(1)
	}
	c.reading.Go(func() {
		failed := false
		for i := range c.rounds {
			if !failed {
				m, err := s.Next()
				if failed = err != nil || m.Data != numbered(i, 16<<10); failed {
					s.t.Errorf("event %d is %.20q, %v", i, m.Data, err)
				}
			}
			c.rounds[i].Done()
		}
	})
}

// await waits until everybody has read event i.
func (c *crowd) await(i int) { c.rounds[i].Wait() }

// silentReader has subscribed and reads nothing.
type silentReader struct{ net.Conn }

// subscribeSilently subscribes from the beginning, with a small buffer.
func (h *runningHub) subscribeSilently(query string) *silentReader {
	h.t.Helper()
	address := strings.TrimPrefix(h.public, "http://")
	c, err := net.Dial("tcp", address)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { c.Close() })
	if err := c.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		h.t.Fatal(err)
	}
	fmt.Fprintf(c, "GET /v1/events?%s&last_event_id=0 HTTP/1.1\r\nHost: %s\r\n\r\n", query, address)
	return &silentReader{c}
}

// rest reads what there was for a reader that was let go. It returns how many
// events that is, and the last id.
func (s *silentReader) rest(t *testing.T) (events int, last string) {
	t.Helper()
	last = "0"
	answer, err := http.ReadResponse(bufio.NewReader(s.Conn), nil)
	if err != nil {
		return 0, last // it was cut before it had anything
	}
	d := wire.NewDecoder(answer.Body)
	for {
		m, err := d.Next()
		if err == io.EOF {
			t.Error("a stream that was cut ended in good order")
		}
		if err != nil {
			return events, last
		}
		last = m.ID
		if m.Type == "message" {
			if m.Data != numbered(events, 16<<10) {
				t.Errorf("event %d is %.20q", events, m.Data)
			}
			events++
		}
	}
}
