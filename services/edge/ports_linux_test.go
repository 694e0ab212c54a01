package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Publishes keep their connections to the hub: however many there are, a few
// local ports do, where one that is given back is not to be had for a minute.
// With SLUICE_EDGE_LONG it takes that long, with 1,000 ports and 2,000 publishes
// a second.
func TestPublishesNeedFewPorts(t *testing.T) {
	t.Parallel()
	if !inNamespace(t) {
		return
	}
	ports, publishes, rate := 50, 3000, 0
	if long, err := time.ParseDuration(os.Getenv("SLUICE_EDGE_LONG")); err == nil {
		ports, rate = 1000, 2000
		publishes = rate * int(long.Seconds())
	}
	sysctl(t, "ip_local_port_range", fmt.Sprintf("40000 %d", 40000+ports-1))
	sysctl(t, "tcp_tw_reuse", "0")
	e, h := behind(t)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer client.CloseIdleConnections()
	began := time.Now()
	var next, failed atomic.Int64
	var publishers sync.WaitGroup
	for range 16 {
		publishers.Go(func() {
			for n := next.Add(1); n <= int64(publishes) && failed.Load() == 0; n = next.Add(1) {
				if rate > 0 {
					time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / time.Duration(rate))))
				}
				answer, err := client.Post(e.url+"/v1/topics/orders/events", "text/plain", strings.NewReader("data"))
				if err != nil {
					failed.Add(1)
					t.Errorf("publish %d: %v", n, err)
					return
				}
				io.Copy(io.Discard, answer.Body) // or its connection is not kept
				answer.Body.Close()
				if answer.StatusCode != http.StatusCreated {
					failed.Add(1)
					t.Errorf("publish %d: %s", n, answer.Status)
				}
			}
		})
	}
	publishers.Wait()
	waiting := timeWait(t, portOf(h.address))
	t.Logf("%d publishes in %v over %d ports, of which %d wait", publishes, time.Since(began).Round(time.Millisecond), ports, waiting)
	if waiting > ports/2 {
		t.Errorf("%d of %d ports are used up", waiting, ports)
	}
}

// Streams leave ports to publishes: there are as many as there is room for, and
// the next one is told to come back.
func TestStreamsLeaveRoom(t *testing.T) {
	t.Parallel()
	if !inNamespace(t) {
		return
	}
	const ports, room = 64, 60
	sysctl(t, "ip_local_port_range", fmt.Sprintf("40000 %d", 40000+ports-1))
	e, h := behind(t)
	var streams []*http.Response
	for range room {
		answer := open(t, "GET", e.url+"/v1/events?topic=orders", "")
		lineWith(t, bufio.NewScanner(answer.Body), "event: stream.open")
		streams = append(streams, answer)
	}
	answer, text := ask(t, "GET", e.url+"/v1/events?topic=orders&last_event_id=7-7", "")
	if p, _, id := rejectedAs(t, answer, text); p.Status != http.StatusServiceUnavailable || p.Type != "urn:sluice:problem:edge-full" || p.Permanent || id != "7-7" {
		t.Errorf("one stream more: %s", text)
	}
	for i := range 200 {
		publish(t, e.url, "orders", fmt.Sprint(i))
	}
	await(t, "the hub counts them", func() bool { return len(h.connections()) == room })
	await(t, "the edge counts them", func() bool { return figure(t, e, "sse_edge_streams") == room })
	streams[0].Body.Close()
	await(t, "there is room again", func() bool {
		answer := open(t, "GET", e.url+"/v1/events?topic=orders", "")
		found := strings.HasPrefix(answer.Header.Get("Content-Type"), "text/event-stream") && answer.Header.Get("Last-Event-Id") != ""
		if !found {
			answer.Body.Close()
		}
		return found
	})
}
