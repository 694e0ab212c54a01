//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// traffic is one kind of what TestLong does. What is built later and could keep
// something joins here.
type traffic struct {
	what     string
	together int           // how many at a time; 0: one
	pause    time.Duration // after each
	do       func(ctx context.Context, l *long, i int) error
}

var longTraffic = []traffic{
	{what: "an event of 20 KB is published to one of a few topics", together: 2, pause: 10 * time.Millisecond, do: publishLarge},
	{what: "an event is published twice with one key, to a topic of its own, by a long request", pause: 25 * time.Millisecond, do: publishTwice},
	{what: "a batch is published", pause: 250 * time.Millisecond, do: publishLines},
	{what: "a stream begins in the past, with a trace, and is left", pause: 50 * time.Millisecond, do: lookBack},
	{what: "a named client looks in", pause: 100 * time.Millisecond, do: lookIn},
	{what: "a stream answers its pings for a while", together: 20, pause: 100 * time.Millisecond, do: stayAlive},
	{what: "a stream is followed for a while", together: 20, pause: 100 * time.Millisecond, do: follow},
	{what: "a stream is not read", together: 5, pause: time.Second, do: neverRead},
	{what: "a request is refused", pause: 50 * time.Millisecond, do: beRefused},
	{what: "the health is asked for", pause: 100 * time.Millisecond, do: askHealth},
	{what: "an operator looks", pause: time.Second, do: lookAround},
}

// repeat does one kind of traffic until ctx ends.
func (l *long) repeat(ctx context.Context, t traffic, count *atomic.Int64) {
	var running sync.WaitGroup
	var number atomic.Int64
	for range max(t.together, 1) {
		running.Go(func() {
			for ctx.Err() == nil {
				if err := t.do(ctx, l, int(number.Add(1))); err == nil {
					count.Add(1)
				} else if ctx.Err() == nil {
					l.t.Errorf("%s: %v", t.what, err)
					return
				}
				select {
				case <-time.After(t.pause):
				case <-ctx.Done():
				}
			}
		})
	}
	running.Wait()
}

// send sends a request, whose answer has to be one of those, and reads it.
func (l *long) send(ctx context.Context, method, url, body string, headers header, want ...int) (int, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && !slices.Contains(want, answer.StatusCode) {
		err = fmt.Errorf("%s %.60s: %s %.300s", method, url, answer.Status, text)
	}
	return answer.StatusCode, err
}

var large = strings.Repeat("x", 20<<10)

func fewTopics(i int) string { return fmt.Sprintf("few-%d", i%5) }

func publishLarge(ctx context.Context, l *long, i int) error {
	_, err := l.send(ctx, "POST", l.hub.url("/v1/topics/"+fewTopics(i)+"/events?type=large"), large, nil, 201)
	return err
}

func publishTwice(ctx context.Context, l *long, i int) error {
	url := l.hub.url(fmt.Sprintf("/v1/topics/own-%d/events?filler=%s", i, large[:4<<10]))
	headers := header{"Idempotency-Key": fmt.Sprintf("key-%d", i), "X-Filler": large[:4<<10]}
	// Until retention has come round there may be as many topics as there may be.
	status, err := l.send(ctx, "POST", url, "small", headers, 201, 429)
	if err == nil && status == 201 {
		_, err = l.send(ctx, "POST", url, "small", headers, 200)
	}
	return err
}

func publishLines(ctx context.Context, l *long, i int) error {
	lines := strings.Repeat(`{"type":"line","key":"k","data":{"some":"thing"}}`+"\n", 50)
	_, err := l.send(ctx, "POST", l.hub.url("/v1/topics/"+fewTopics(i)+"/events"), lines,
		header{"Content-Type": "application/x-ndjson", "Idempotency-Key": fmt.Sprintf("batch-%d", i)}, 200)
	return err
}

// stream opens a stream and reads so many bytes of it, or until ctx or the hub
// ends it, which may want its memory.
func (l *long) stream(ctx context.Context, query string, headers header, bytes int64) error {
	r, err := http.NewRequestWithContext(ctx, "GET", l.hub.url("/v1/events?"+query), nil)
	if err != nil {
		return err
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 {
		return fmt.Errorf("%s", answer.Status)
	}
	_, _ = io.CopyN(io.Discard, answer.Body, bytes)
	return nil
}

func lookBack(ctx context.Context, l *long, i int) error {
	one, other := fewTopics(i), fewTopics(i+1)
	after := []string{"0", one + "@1-0," + other + "@1-0", "$"}[i%3]
	trace := fmt.Sprintf("00-%032x-%016x-01", i+1, i+1)
	return l.stream(ctx, "topic="+one+"&topic="+other+"&filler="+large[:4<<10],
		header{"Last-Event-ID": after, "Traceparent": trace, "X-Filler": large[:4<<10]}, 300)
}

func lookIn(ctx context.Context, l *long, i int) error {
	return l.stream(ctx, fmt.Sprintf("topic=%s&client_id=client-%d", fewTopics(i), i%500), nil, 300)
}

func stayAlive(ctx context.Context, l *long, i int) error {
	c, err := net.Dial("tcp", l.hub.public)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(8 * time.Second))
	fmt.Fprintf(c, "GET /v1/events?topic=idle-%d&heartbeat=pong HTTP/1.1\r\nHost: %s\r\n\r\n", i%3, l.hub.public)
	pongIdly(http.DefaultClient, l.hub.url(""), c)
	return nil
}

func follow(ctx context.Context, l *long, i int) error {
	ctx, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	return l.stream(ctx, "topic="+fewTopics(i), nil, 1<<40)
}

func neverRead(ctx context.Context, l *long, i int) error {
	c, err := net.Dial("tcp", l.hub.public)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /v1/events?topic=%s HTTP/1.1\r\nHost: %s\r\nLast-Event-ID: 0\r\n\r\n", fewTopics(i), l.hub.public)
	select {
	case <-time.After(15 * time.Second): // longer than a write may take
	case <-ctx.Done():
	}
	return nil
}

func beRefused(ctx context.Context, l *long, i int) error {
	refused := []struct {
		method, path string
		status       int
	}{
		{"GET", "/no/such/page", 404},
		{"POST", "/v1/topics/.bad/events", 400},
		{"GET", "/v1/events", 400},
		{"GET", "/v1/events?topic=few-1&last_event_id=what", 400},
		{"POST", "/v1/connections/nobody/pong", 404},
	}[i%5]
	body := ""
	if refused.method == "POST" {
		body = `{"seq":1,"ts":1}`
	}
	_, err := l.send(ctx, refused.method, l.hub.url(refused.path), body, header{"X-Filler": large[:8<<10]}, refused.status)
	return err
}

func askHealth(ctx context.Context, l *long, _ int) error {
	_, err := l.send(ctx, "GET", l.hub.url("/v1/events"), "", header{"X-Heartbeat": "true"}, 200)
	return err
}

func lookAround(ctx context.Context, l *long, i int) error {
	path := []string{"/metrics", "/v1/connections", "/v1/topics", "/debug/tracez"}[i%4]
	_, err := l.send(ctx, "GET", "http://"+l.hub.admin+path, "", nil, 200)
	return err
}
