package sse_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// client is a subscriber by net/http, over HTTP/1.1 or, where the server has
// TLS, HTTP/2.
type client struct {
	t      testing.TB
	answer *http.Response
	cancel context.CancelFunc
	*wire.Decoder
}

// follow subscribes and must be answered with a stream.
func (f *fixture) follow(t testing.TB, query, lastEventID string) *client {
	t.Helper()
	c, err := f.tryFollow(t, query, lastEventID)
	if err != nil {
		t.Fatal(err)
	}
	if c.answer.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(c.answer.Body)
		t.Fatalf("%s: %s", c.answer.Status, body)
	}
	return c
}

func (f *fixture) tryFollow(t testing.TB, query, lastEventID string) (*client, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.server.URL+"/v1/events?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	answer, err := f.server.Client().Do(r)
	if err != nil {
		cancel()
		return nil, err
	}
	c := &client{t: t, answer: answer, cancel: cancel, Decoder: wire.NewDecoder(answer.Body)}
	t.Cleanup(c.hangUp)
	return c, nil
}

// hangUp breaks the stream off.
func (c *client) hangUp() {
	c.cancel()
	c.answer.Body.Close()
}

func (c *client) next() wire.Message {
	c.t.Helper()
	return nextOf(c.t, c.Decoder)
}

// opened is stream.open as the contract has it.
type opened struct {
	Connection string `json:"connection"`
	Node       string `json:"node"`
	Release    string `json:"release"`
	TraceID    string `json:"trace_id"`
	Heartbeat  struct {
		Mode       string `json:"mode"`
		IntervalMS int64  `json:"interval_ms"`
		TimeoutMS  int64  `json:"timeout_ms"`
	} `json:"heartbeat"`
	Topics []openedTopic `json:"topics"`
}

type openedTopic struct {
	Topic   string           `json:"topic"`
	Outcome eventlog.Outcome `json:"outcome"`
	After   string           `json:"after"`
	Oldest  string           `json:"oldest"`
	Head    string           `json:"head"`
}

// gap is stream.gap as the contract has it.
type gap struct {
	Topic  string         `json:"topic"`
	After  string         `json:"after"`
	Oldest string         `json:"oldest"`
	Head   string         `json:"head"`
	Reason eventlog.Cause `json:"reason"`
}

// expectOpen takes the next event for stream.open.
func expectOpen(t testing.TB, m wire.Message) opened {
	t.Helper()
	return control[opened](t, m, "stream.open")
}

func expectGap(t testing.TB, m wire.Message) gap {
	t.Helper()
	return control[gap](t, m, "stream.gap")
}

func control[T any](t testing.TB, m wire.Message, typ string) (v T) {
	t.Helper()
	if m.Type != typ {
		t.Fatalf("got %.200v, want %s", m, typ)
	}
	d := json.NewDecoder(strings.NewReader(m.Data))
	d.DisallowUnknownFields()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s %s: %v", typ, m.Data, err)
	}
	return v
}
