package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
	"github.com/sluice-stream/sluice/services/client"
)

// An event is handed on at once, alone, to a client that would take compressed
// answers too. The hub sends nothing else that could push it along.
func TestStreamIsNotHeldUp(t *testing.T) {
	e, _ := behind(t)
	answer := open(t, "GET", e.url+"/v1/events?topic=orders", "", "Accept-Encoding", "gzip, br")
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no", "Content-Encoding": "",
	} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	stream := bufio.NewScanner(answer.Body)
	lineWith(t, stream, "event: stream.open")
	for i := range 3 {
		publish(t, e.url, "orders", fmt.Sprint("event ", i))
		lineWith(t, stream, fmt.Sprint("data: event ", i))
	}
}

// A stream with nothing but heartbeats outlives the edge's time-out, which
// ends one without.
func TestIdleStream(t *testing.T) {
	t.Parallel()
	names := newNames(t)
	names.is("127.0.0.1")
	for _, beats := range []bool{true, false} {
		address := programtest.FreeAddress(t)
		e := newEdge(t, names, portOf(address), "--silence", "1s")
		interval := "1h"
		if beats {
			interval = "250ms"
		}
		newHub(t, address, t.TempDir(), "--heartbeat-interval", interval)
		answer := open(t, "GET", e.url+"/v1/events?topic=orders", "")
		stream := bufio.NewScanner(answer.Body)
		if !beats {
			for stream.Scan() { // until it is cut off
			}
			if stream.Err() == nil {
				t.Error("without heartbeats the stream ended in order")
			}
			continue
		}
		for range 10 { // 2 s at least
			lineWith(t, stream, ": ping")
		}
		publish(t, e.url, "orders", "after a long silence")
		lineWith(t, stream, "data: after a long silence")
	}
}

// A client that goes is gone for the hub too.
func TestClientGoes(t *testing.T) {
	e, h := behind(t)
	answer := open(t, "GET", e.url+"/v1/events?topic=orders", "")
	await(t, "the hub has the stream", func() bool { return len(h.connections()) == 1 })
	answer.Body.Close()
	await(t, "the hub has no stream", func() bool { return len(h.connections()) == 0 })
}

// The hub is killed and comes back with another address. A client of ours
// misses nothing and gets nothing twice, and the edge is not told of it.
func TestHubComesBackElsewhere(t *testing.T) {
	t.Parallel()
	names := newNames(t)
	names.is("127.0.0.1")
	address := programtest.FreeAddress(t)
	e := newEdge(t, names, portOf(address))
	data := t.TempDir()
	h := newHub(t, address, data)

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	got := make(chan string, 100)
	rejected := make(chan struct{}, 1)
	ended := make(chan error, 1)
	go func() {
		defer close(ended)
		for event, err := range client.Subscribe(ctx, client.Options{
			URL: e.url, Topics: []string{"orders"}, LastEventID: "0",
			OnState: func(s client.State) {
				if s.Err != nil && strings.Contains(s.Err.Error(), "no hub could take this stream") {
					select {
					case rejected <- struct{}{}:
					default:
					}
				}
			},
		}) {
			if err != nil {
				if ctx.Err() == nil {
					ended <- err
				}
				return
			}
			got <- event.Data
		}
	}()
	var want, have []string
	exchange := func(from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			want = append(want, fmt.Sprint("event ", i))
			publish(t, e.url, "orders", want[i])
		}
		await(t, fmt.Sprintf("%d events", to), func() bool {
			for {
				select {
				case event := <-got:
					have = append(have, event)
				case err := <-ended:
					t.Fatalf("the client gave up: %v", err)
				default:
					return len(have) >= to
				}
			}
		})
	}
	exchange(0, 5)
	h.kill()
	<-rejected // the client has come while nobody was there
	elsewhere := "127.0.0.2:" + portOf(address)
	newHub(t, elsewhere, data)
	names.is("127.0.0.2")
	await(t, "the edge finds the hub", func() bool {
		answer, _ := ask(t, "HEAD", e.url+"/", "")
		return answer.StatusCode == http.StatusOK
	})
	exchange(5, 10)
	if !slices.Equal(have, want) {
		t.Errorf("got %q, want %q", have, want)
	}
	stop()
	<-ended
}

// A client that reads nothing fills what lies between, and then it is the hub
// who lets it go: the edge stores nothing for it.
func TestClientNeverReads(t *testing.T) {
	t.Parallel()
	e, h := behind(t, "--write-timeout", "1s")
	open(t, "GET", e.url+"/v1/events?topic=orders", "") // its body is not read
	await(t, "the hub has the stream", func() bool { return len(h.connections()) == 1 })
	event := strings.Repeat("x", 250_000)
	sent := 0
	await(t, "the hub has no stream", func() bool {
		publish(t, "http://"+h.address, "orders", event)
		sent += len(event)
		return len(h.connections()) == 0
	})
	t.Logf("%d MB were published meanwhile", sent>>20)
}

// A position in as many topics as a hub can allow, with the longest names and
// ids, in the header and in the address, beside a token: all of it gets to the
// hub, and the hub's answer with such a position back.
func TestManyTopics(t *testing.T) {
	e, _ := behind(t, "--max-topics-per-connection", "64")
	var query, position string
	for i := range 64 {
		name := fmt.Sprintf("%0128d", i)
		query += "&topic=" + name
		position += "," + name + "@18446744073709551615-18446744073709551615"
	}
	query += "&last_event_id=" + url.QueryEscape(position[1:])
	answer := open(t, "GET", e.url+"/v1/events?"+query[1:], "", "Last-Event-ID", position[1:], "Authorization", "Bearer "+strings.Repeat("x", 8<<10))
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || strings.Count(answer.Header.Get("Last-Event-ID"), "@") != 64 {
		t.Errorf("%s, Last-Event-ID %.100q", answer.Status, answer.Header.Get("Last-Event-ID"))
	}
}
