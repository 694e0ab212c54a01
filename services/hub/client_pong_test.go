package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// A client in pong mode stays in good health while its loop is busy, and what
// it acknowledges is what the loop has taken: started again by its name alone,
// it goes on there.
func TestClientPongs(t *testing.T) {
	t.Parallel()
	h := startHub(t, "--ping-interval", "1s", "--pong-timeout", "900ms", "--max-missed-pings", "5")
	p := newPublisher(t, h.public)
	seen := &states{}
	o := client.Options{URL: h.public, Topics: []string{"orders"}, ClientID: "me", Pong: true, OnState: seen.note}
	published := false
	o.OnState = func(s client.State) {
		if seen.note(s); s.Phase == client.Live && !published {
			published = true
			for i := range 3 {
				publishNumber(t, p, i)
			}
		}
	}
	for e, err := range client.Subscribe(t.Context(), o) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Data == "1" {
			pongs := func() float64 { return metric(t, h.admin, "sse_ping_rtt_seconds_count") }
			before := pongs()
			await(t, "pings are answered while the loop is busy", func() bool { return pongs() >= before+3 })
			break // it was not taken
		}
	}
	if seen.count(client.Waiting) > 0 {
		t.Errorf("went through %+v", seen.all)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	next := 1
	for e, err := range client.Subscribe(ctx, client.Options{URL: h.public, Topics: []string{"orders"}, ClientID: "me"}) {
		if err != nil || e.Data != fmt.Sprint(next) {
			t.Fatalf("came back to %+v, %v; want %d", e, err, next)
		}
		if next++; next == 3 {
			break
		}
	}
}

// Over TLS, with HTTP/2 and without, streams, pongs and probes do the same.
func TestClientOverTLS(t *testing.T) {
	t.Parallel()
	id := newIdentity(t, time.Now().Add(time.Hour))
	for _, http2 := range []bool{false, true} {
		h := startHub(t, append(id.settings(), "--ping-interval", "500ms", "--pong-timeout", "450ms", "--max-missed-pings", "10")...)
		trusting := id.client(t, http2)
		p, err := client.NewPublisher(client.PublisherOptions{URL: h.public, HTTP: trusting})
		if err != nil {
			t.Fatal(err)
		}
		seen := &states{}
		ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			for ctx.Err() == nil {
				answer, err := trusting.Get(h.admin + "/metrics")
				if err != nil {
					return
				}
				text, _ := io.ReadAll(answer.Body)
				answer.Body.Close()
				_, count, _ := strings.Cut(string(text), "\nsse_ping_rtt_seconds_count ")
				count, _, _ = strings.Cut(count, "\n")
				if n, err := strconv.Atoi(count); err == nil && n >= 3 {
					publishNumber(t, p, 1)
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
		}()
		o := client.Options{URL: h.public, Topics: []string{"orders"}, Pong: true, HTTP: trusting, OnState: seen.note}
		for e, err := range client.Subscribe(ctx, o) {
			if err != nil || e.Data != "1" {
				t.Fatalf("HTTP/2 %v: %+v, %v; went through %+v", http2, e, err, seen.all)
			}
			break
		}
		stop()
		<-stopped
		if seen.count(client.Waiting) > 0 {
			t.Errorf("HTTP/2 %v: went through %+v", http2, seen.all)
		}
	}
}
