package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/client"
)

// sent is a publish as a scripted hub got it.
type sent struct {
	key, body, kind string
	header          http.Header
	at              time.Duration
}

// scripted answers each publish with the next of its answers, the last one
// from then on.
type scripted struct {
	answers []func(w *http.Response, body string) error
	start   time.Time
	mu      sync.Mutex
	got     []sent
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := s.answers[min(len(s.got), len(s.answers)-1)]
	s.got = append(s.got, sent{r.Header.Get("Idempotency-Key"), string(body), r.Header.Get("Content-Type"), r.Header.Clone(), time.Since(s.start)})
	w := &http.Response{Header: http.Header{}, Body: http.NoBody, Request: r}
	return w, answer(w, string(body))
}

type answer = func(w *http.Response, body string) error

func says(status int, body string) answer {
	return func(w *http.Response, _ string) error {
		w.StatusCode, w.Body = status, io.NopCloser(strings.NewReader(body))
		return nil
	}
}

func later(status int, after string) answer {
	return func(w *http.Response, _ string) error {
		w.StatusCode = status
		w.Header.Set("Retry-After", after)
		return nil
	}
}

func breaks(*http.Response, string) error { return errors.New("connection reset") }

var stored = says(201, `{"topic":"a","id":"7-0"}`)

// publisher publishes to a scripted hub.
func publisher(t *testing.T, change func(*client.PublisherOptions), answers ...answer) (*client.Publisher, *scripted) {
	t.Helper()
	hub := &scripted{answers: answers, start: time.Now()}
	o := client.PublisherOptions{URL: "http://hub", HTTP: &http.Client{Transport: hub}}
	if change != nil {
		change(&o)
	}
	p, err := client.NewPublisher(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p, hub
}

// What may be otherwise next time is sent again as it was, under the same key.
func TestPublishIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var retries []client.Retry
		p, hub := publisher(t, func(o *client.PublisherOptions) {
			o.OnRetry = func(r client.Retry) { retries = append(retries, r) }
			o.Traceparent = func(context.Context) string { return "00-1" }
			o.Token = token("t")
		}, breaks, breaks, later(429, "7"), later(502, ""), later(503, ""), later(504, ""), later(408, ""), later(425, ""), says(200, `{"topic":"a","id":"6-0","duplicate":true}`))
		receipt, err := p.Publish(t.Context(), "a", client.Message{Type: "order", Key: "k", Data: "data"})
		if err != nil || receipt.ID != "6-0" || !receipt.Duplicate || receipt.Topic != "a" || len(receipt.IdempotencyKey) < 22 {
			t.Errorf("%+v, %v", receipt, err)
		}
		for i, s := range hub.got {
			if s.key != receipt.IdempotencyKey || s.body != "data" || s.header.Get("X-Event-Type") != "order" || s.header.Get("X-Event-Key") != "k" ||
				s.header.Get("Traceparent") != "00-1" || s.header.Get("Authorization") != "Bearer t" {
				t.Errorf("attempt %d sent %+v", i, s)
			}
		}
		for i, base := range []time.Duration{100, 200, 0, 800, 1600, 3200, 5000, 5000} {
			wait := hub.got[i+1].at - hub.got[i].at
			if i == 2 && wait != 7*time.Second {
				t.Errorf("Retry-After became %v", wait)
			} else if i != 2 {
				between(t, fmt.Sprint("wait ", i), wait, base*time.Millisecond)
			}
			if r := retries[i]; r.Topic != "a" || r.Events != 1 || r.Failures != i+1 || r.Wait != wait || r.Err == nil {
				t.Errorf("told of %+v", r)
			}
		}
	})
}

// What will be refused again is not sent again.
func TestPublishIsRefused(t *testing.T) {
	for _, status := range []int{301, 400, 401, 403, 404, 405, 413, 415, 422, 500} {
		p, hub := publisher(t, nil, says(status, `{"type":"urn:x","detail":"because","trace_id":"7"}`))
		_, err := p.Publish(t.Context(), "a", client.Message{Data: "x"})
		var why *client.RejectedError
		if !errors.As(err, &why) || why.Status != status || why.Detail != "because" || !why.Permanent || len(hub.got) != 1 {
			t.Errorf("%d: %d attempts, %v", status, len(hub.got), err)
		}
	}
	for _, text := range []string{"<html>", `{"topic":"a"}`} {
		p, hub := publisher(t, nil, says(200, text))
		if _, err := p.Publish(t.Context(), "a", client.Message{Data: "x"}); err == nil || !strings.Contains(err.Error(), "is there one at this address?") || len(hub.got) != 1 {
			t.Errorf("%s: %v", text, err)
		}
	}
	p, hub := publisher(t, nil, stored)
	for _, row := range []struct {
		topic string
		m     client.Message
	}{{"", client.Message{}}, {"a/b", client.Message{}}, {"..", client.Message{}}, {"a", client.Message{Data: "\xff"}},
		{"a", client.Message{Type: "a\nb"}}, {"a", client.Message{IdempotencyKey: "a\r\nb"}}} {
		_, err := p.Publish(t.Context(), row.topic, row.m)
		results, batch := p.PublishBatch(t.Context(), row.topic, []client.Message{row.m})
		if err == nil || batch == nil || results[0].Err == nil {
			t.Errorf("%+v was taken", row)
		}
	}
	if len(hub.got) != 0 {
		t.Errorf("sent %+v", hub.got)
	}
}

// Attempts end with their number and with the context.
func TestPublishGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, hub := publisher(t, func(o *client.PublisherOptions) { o.MaxAttempts = 3 }, breaks)
		if _, err := p.Publish(t.Context(), "a", client.Message{}); err == nil || !strings.Contains(err.Error(), "after 3 attempts") || len(hub.got) != 3 {
			t.Errorf("%d attempts, %v", len(hub.got), err)
		}
		p, _ = publisher(t, nil, breaks)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		receipt, err := p.Publish(ctx, "a", client.Message{})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "connection reset") || receipt.IdempotencyKey == "" {
			t.Errorf("%+v, %v", receipt, err)
		}
	})
	synctest.Test(t, func(t *testing.T) { // an attempt that hangs is one that failed
		hang := newPiped(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		})
		defer hang.stop()
		p, err := client.NewPublisher(client.PublisherOptions{URL: "http://hub", HTTP: hang.http, MaxAttempts: 2})
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if _, err := p.Publish(t.Context(), "a", client.Message{}); !errors.Is(err, client.ErrNoAnswer) || time.Since(start) < time.Minute {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

// A fresh token is tried at once, one time.
func TestPublishWithFreshToken(t *testing.T) {
	n := 0
	p, hub := publisher(t, func(o *client.PublisherOptions) {
		o.Token = func(context.Context) (string, error) { n++; return fmt.Sprint(n), nil }
	}, says(401, ""), stored)
	if _, err := p.Publish(t.Context(), "a", client.Message{}); err != nil || hub.got[1].header.Get("Authorization") != "Bearer 2" {
		t.Error(err)
	}
	p, hub = publisher(t, func(o *client.PublisherOptions) { o.Token = token("t") }, says(401, ""))
	var why *client.RejectedError
	if _, err := p.Publish(t.Context(), "a", client.Message{}); !errors.As(err, &why) || why.Status != 401 || len(hub.got) != 2 {
		t.Errorf("%d attempts, %v", len(hub.got), err)
	}
}
