package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// Nothing that the hub keeps is part of a request: not a topic's name, a key, a
// series, an exemplar, a span, a named client, an open stream. Such a part keeps
// the whole line of it, with whatever secret is in that.
func TestNothingKeepsARequest(t *testing.T) {
	t.Parallel()
	var parts atOnce
	defer parts.Wait()
	for _, store := range []string{"memory", "disk"} {
		parts.run(t, store, func(t *testing.T) {
			p := newHubProcessIn(t, []string{"GODEBUG=memprofilerate=1"}, "--store", store, "--data", t.TempDir(), "--trace-exporter", "stdout")
			defer askAll(t, p)()
			text := ""
			for range 8 { // some are on their way out, and what pools have takes three collections
				if text = requestsInUse(t, p); text == "" {
					return
				}
			}
			t.Errorf("there are parts of requests that are over:\n%s", text)
		})
	}
}

// filler makes a request's line and its headers long.
var filler = strings.Repeat("f", 2<<10)

// askAll sends requests of all kinds, each of its own connection, and returns
// what closes the streams that stay open.
func askAll(t *testing.T, p *hubProcess) (closeAll func()) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ctx, cancel := context.WithCancel(t.Context())
	for i := range 10 {
		headers := header{"X-Filler": filler, "Authorization": "Bearer " + filler, "X-Release-Version": "stable", "Ce-Other": "x",
			"Traceparent": fmt.Sprintf("00-%032x-%016x-01", i+1, i+1), "Tracestate": "vendor=value", "Baggage": "some=thing"}
		topic := fmt.Sprintf("topic-%d", i)
		events := p.url("/v1/topics/" + topic + "/events?filler=" + filler)
		for _, method := range []string{"POST", "PUT", "OPTIONS", "BREW"} {
			ask(t, client, method, events+"&type=t&key=k", "data", with(headers, "Idempotency-Key", "of "+topic))
			ask(t, client, method, p.url("/v1/nothing/"+topic+"?filler="+filler), "", headers)
		}
		ask(t, client, "POST", events, `{"data":1,"idempotency_key":"k","key":"a","type":"b"}`, with(headers, "Content-Type", "application/x-ndjson"))
		for _, query := range []string{"topic=never-" + topic, "topic=" + topic + "&topic=other-" + topic, "topic=" + topic + "&heartbeat=pong&client_id=of-" + topic} {
			begin(ctx, t, client, p.url("/v1/events?"+query+"&filler="+filler), with(headers, "Last-Event-ID", "0"))
		}
	}
	return cancel
}

// with returns headers with one more.
func with(headers header, name, value string) header {
	more := maps.Clone(headers)
	more[name] = value
	return more
}

// begin opens a stream that stays open until ctx ends.
func begin(ctx context.Context, t *testing.T, client *http.Client, url string, headers header) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	answer, err := client.Do(r)
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("subscribe: %v %v", answer, err)
	}
	if _, err := io.CopyN(io.Discard, answer.Body, 100); err != nil {
		t.Fatal(err)
	}
}

// requestsInUse returns the entries of the heap profile that are of reading
// lines and headers as long as those of askAll: they are no longer needed.
func requestsInUse(t *testing.T, p *hubProcess) string {
	t.Helper()
	_, profile := get(t, "http://"+p.admin+"/debug/pprof/heap?gc=1&debug=1")
	if !strings.Contains(profile, "heap/2") { // each allocation is in it
		t.Fatalf("not a profile of all: %.100s", profile)
	}
	var found strings.Builder
	for entry := range strings.SplitSeq(profile, "\n\n") {
		var objects, bytes int
		_, err := fmt.Sscanf(entry, "%d: %d [", &objects, &bytes)
		if err == nil && strings.Contains(entry, "net/http.readRequest+") && bytes >= objects*len(filler) && objects > 0 {
			found.WriteString(entry + "\n\n")
		}
	}
	return found.String()
}
