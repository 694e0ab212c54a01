package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/client"
)

// Through a drain and a restart nothing is missed; while it drains, the hub's
// refusal says for how long.
func TestClientThroughADrain(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	first := startHub(t, "--store", "disk", "--data", data)
	p := newPublisher(t, first.public)
	seen, late := &states{}, &states{}
	lateContext, stop := context.WithCancel(t.Context())
	defer stop()
	var turnedAway sync.WaitGroup
	defer turnedAway.Wait()
	took := 0
	for e, err := range client.Subscribe(t.Context(), client.Options{URL: first.public, Topics: []string{"orders"}, LastEventID: "0", OnState: func(s client.State) {
		seen.note(s)
		if s.Phase == client.Live && took == 0 {
			publishNumber(t, p, 0)
		}
	}}) {
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{"0", "hello", "1"}[took]; e.Data != want {
			t.Fatalf("got %+v, want %s", e, want)
		}
		if took++; took == 3 {
			break
		} else if took == 2 {
			continue
		}
		release := holdPublish(t, first)
		for range 200 { // whose streams take two seconds to end
			first.subscribe("topic=crowd", "")
		}
		if answer, text := ask(t, http.DefaultClient, "POST", first.admin+"/v1/drain", "", nil); answer.StatusCode != 202 {
			t.Fatal(text)
		}
		awaitDrain(t, first.public)
		turnedAway.Go(func() {
			for range client.Subscribe(lateContext, client.Options{URL: first.public, Topics: []string{"orders"}, OnState: late.note}) {
			}
		})
		await(t, "a newcomer is turned away", func() bool { return late.count(client.Waiting) > 0 })
		stop()
		release()
		<-first.done
		publishNumber(t, newPublisher(t, startHub(t, "--store", "disk", "--data", data, "--listen", strings.TrimPrefix(first.public, "http://")).public), 1)
	}
	if seen.count(client.Draining) != 1 || seen.count(client.Open) < 2 {
		t.Errorf("went through %+v", seen.all)
	}
	var why *client.RejectedError
	if w := late.first(client.Waiting); !errors.As(w.Err, &why) || why.Status != 503 || why.RetryAfter <= 0 || w.Wait < why.RetryAfter {
		t.Errorf("a newcomer was told %+v", w)
	}
}

func publishNumber(t *testing.T, p *client.Publisher, n int) {
	t.Helper()
	if _, err := p.Publish(t.Context(), "orders", client.Message{Data: fmt.Sprint(n)}); err != nil {
		t.Error(err)
	}
}

// What retention has taken is told in its place.
func TestClientIsToldOfGaps(t *testing.T) {
	t.Parallel()
	h := startHub(t, "--retention-events", "100")
	var all []client.Message
	for i := range 1000 {
		all = append(all, client.Message{Data: fmt.Sprint(i)})
	}
	results, err := newPublisher(t, h.public).PublishBatch(t.Context(), "orders", all)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "retention", func() bool { return h.topics("?prefix=orders").Topics[0].Events == 100 })
	next, gaps := 1, 0
	for e, err := range client.Subscribe(t.Context(), client.Options{URL: h.public, Topics: []string{"orders"}, LastEventID: results[0].ID}) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Gap != nil {
			if gaps++; gaps > 1 || next != 1 || e.Gap.After != results[0].ID || e.Topic != "orders" {
				t.Errorf("gap %+v", e.Gap)
			}
			next = 1 + slices.IndexFunc(results, func(r client.Result) bool { return r.ID == e.ID })
			continue
		}
		if e.Data != fmt.Sprint(next) || e.ID != results[next].ID {
			t.Fatalf("got %+v, want %d", e, next)
		}
		if next++; next == 1000 {
			break
		}
	}
	if gaps != 1 {
		t.Errorf("%d gaps", gaps)
	}
}

// A hub that is full says so in one of two ways; the client waits, and gets in
// when there is room.
func TestClientWaitsForRoom(t *testing.T) {
	t.Parallel()
	var parts atOnce
	defer parts.Wait()
	for name, query := range map[string]string{"429": "", "in the stream": "?on_reject=retry"} {
		parts.run(t, name, func(t *testing.T) { waitForRoom(t, query) }) // it takes as long as the hub says
	}
}

func waitForRoom(t *testing.T, query string) {
	h := startHub(t, "--max-connections", "1")
	ctx, leave := context.WithCancel(t.Context())
	holder, waiter := &states{}, &states{}
	var holding sync.WaitGroup
	holding.Go(func() {
		for range client.Subscribe(ctx, client.Options{URL: h.public, Topics: []string{"orders"}, OnState: holder.note}) {
		}
	})
	await(t, "the only place is taken", func() bool { return holder.count(client.Live) == 1 })
	p := newPublisher(t, h.public)
	for e, err := range client.Subscribe(t.Context(), client.Options{URL: h.public + query, Topics: []string{"orders"}, OnState: func(s client.State) {
		waiter.note(s)
		switch s.Phase {
		case client.Waiting:
			leave()
		case client.Live:
			publishNumber(t, p, 1)
		}
	}}) {
		if err != nil || e.Data != "1" {
			t.Fatalf("%+v, %v", e, err)
		}
		break
	}
	holding.Wait()
	var why *client.RejectedError
	if w := waiter.first(client.Waiting); !errors.As(w.Err, &why) || why.Status != 429 || why.RetryAfter <= 0 || w.Wait < why.RetryAfter || why.TraceID == "" {
		t.Errorf("was told %+v", w)
	}
}

// A way that swallows everything is noticed by the missing heartbeats.
func TestClientNoticesSilence(t *testing.T) {
	t.Parallel()
	h := startHub(t, "--heartbeat-interval", "1s")
	way := newNetwork(t, strings.TrimPrefix(h.public, "http://"))
	p := newPublisher(t, h.public)
	seen := &states{}
	for e, err := range client.Subscribe(t.Context(), client.Options{URL: "http://" + way.address, Topics: []string{"orders"}, OnState: func(s client.State) {
		seen.note(s)
		switch {
		case s.Phase == client.Live && seen.count(client.Live) == 1:
			way.darken()
			publishNumber(t, p, 1)
		case s.Phase == client.Waiting:
			way.cut()
		}
	}}) {
		if err != nil || e.Data != "1" {
			t.Fatalf("%+v, %v", e, err)
		}
		break
	}
	if w := seen.first(client.Waiting); !errors.Is(w.Err, client.ErrSilent) || seen.count(client.Open) != 2 {
		t.Errorf("went through %+v", seen.all)
	}
}
