package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// Publishers that try again until they are answered have each event in the
// log once, although the hub is killed under them again and again.
func TestIdempotencyAcrossKills(t *testing.T) {
	t.Parallel()
	const publishers, events, kills = 4, 150, 3
	h := newHubProcess(t, "--store", "disk", "--data", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	ids := make([][]string, publishers)
	var wg sync.WaitGroup
	progress := make(chan struct{}, publishers*events)
	for p := range publishers {
		wg.Go(func() {
			for i := range events {
				ids[p] = append(ids[p], insist(ctx, t, h.url("/v1/topics/orders/events"), fmt.Sprintf("%d/%d", p, i)))
				progress <- struct{}{}
			}
		})
	}
	for range kills {
		for range publishers * events / (kills + 1) {
			<-progress
		}
		h.kill()
		h.start()
	}
	wg.Wait()
	h.kill()
	h.start()
	for p := range publishers {
		for i := range events {
			if id := insist(ctx, t, h.url("/v1/topics/orders/events"), fmt.Sprintf("%d/%d", p, i)); id != ids[p][i] {
				t.Fatalf("event %d of publisher %d got the ids %s and %s", i, p, ids[p][i], id)
			}
		}
	}
	checkOnce(ctx, t, h.url("/v1/events?topic=orders&last_event_id=0"), ids)
}

// insist publishes data under itself as the key until a hub answers.
func insist(ctx context.Context, t *testing.T, url, data string) string {
	for ctx.Err() == nil {
		r, err := http.NewRequestWithContext(ctx, "POST", url, strings.NewReader(data))
		if err != nil {
			t.Error(err)
			return ""
		}
		r.Header.Set(idempotencyKey, data)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			time.Sleep(5 * time.Millisecond) // the hub is away
			continue
		}
		var a said
		err = json.NewDecoder(answer.Body).Decode(&a)
		answer.Body.Close()
		if err == nil && (answer.StatusCode == 201 || answer.StatusCode == 200 && a.Duplicate) {
			return a.ID
		}
		if answer.StatusCode < 500 && err == nil {
			t.Errorf("%s: %+v", answer.Status, a)
			return ""
		}
	}
	t.Error(context.Cause(ctx))
	return ""
}

// checkOnce reads a topic and finds every event once, under its id.
func checkOnce(ctx context.Context, t *testing.T, url string, ids [][]string) {
	t.Helper()
	want := map[string]string{}
	for p := range ids {
		for i := range ids[p] {
			want[ids[p][i]] = fmt.Sprintf("%d/%d", p, i)
		}
	}
	r, err := http.NewRequestWithContext(ctx, "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	d := wire.NewDecoder(answer.Body)
	for total := len(want) + 1; total > 0; total-- {
		m, err := d.Next()
		if err != nil {
			t.Fatalf("%d events are missing: %v", len(want), err)
		}
		if m.Type == "stream.open" {
			continue
		}
		if want[m.ID] != m.Data {
			t.Fatalf("read %+v, want %q", m, want[m.ID])
		}
		delete(want, m.ID)
	}
	if len(want) > 0 {
		t.Errorf("%d events are missing", len(want))
	}
}

// "hub publish" has each line in the log once, in order, although the hub is
// killed under it and answers are lost.
func TestFeedAcrossKills(t *testing.T) {
	t.Parallel()
	const total, kills = 600, 4
	h := newHubProcess(t, "--store", "disk", "--data", t.TempDir())
	in, feed := io.Pipe()
	report := &reports{more: make(chan struct{}, 1)}
	done := make(chan error, 1)
	go func() {
		done <- run(t.Context(), []string{"publish", "orders", "--url", h.url("")}, noEnv, in, io.Discard, report)
	}()
	fed := make(chan struct{}, total)
	go func() {
		for i := range total {
			fmt.Fprintf(feed, "0/%d\n", i)
			fed <- struct{}{}
		}
		feed.Close()
	}()
	for range kills {
		for range total / (kills + 1) {
			<-fed
		}
		h.kill()
		h.start()
	}
	if err := <-done; err != nil {
		t.Fatalf("publish ended with %v: %s", err, report)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", h.url("/v1/events?topic=orders&last_event_id=0"), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	d := wire.NewDecoder(answer.Body)
	for i := -1; i < total; i++ { // the first is stream.open
		if m, err := d.Next(); err != nil || i >= 0 && m.Data != fmt.Sprintf("0/%d", i) {
			t.Fatalf("line %d: %+v, %v", i, m, err)
		}
	}
}
