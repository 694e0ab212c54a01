package client

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// pong is what the hub gets back for a ping.
type pong struct {
	wire.Ping
	LastEventID string `json:"last_event_id,omitempty"`
}

// pongTimeout is what a hub allows.
const pongTimeout = 3 * time.Second

// pinged leaves a ping to be answered, in place of an older one: only the
// latest counts.
func (c *connection) pinged(data string) {
	var p wire.Ping
	if json.Unmarshal([]byte(data), &p) != nil {
		return
	}
	select {
	case <-c.pings:
	default:
	}
	c.pings <- p
}

// answer answers pings until the stream ends.
func (c *connection) answer(name string) {
	if name == "" || strings.ContainsAny(name, "/\\") {
		return // of no hub
	}
	url := c.s.at("/v1/connections/" + name + "/pong")
	for {
		select {
		case p := <-c.pings:
			answer := pong{Ping: p}
			if id := c.s.acked.Load(); id != nil {
				answer.LastEventID = *id
			}
			c.pong(url, answer)
		case <-c.ctx.Done():
			return
		}
	}
}

// pong sends one answer. What becomes of it shows in the stream: the hub ends
// it where answers are missing, and a new one is opened.
func (c *connection) pong(url string, p pong) {
	ctx, cancel := context.WithTimeout(c.ctx, pongTimeout)
	defer cancel()
	body, err := json.Marshal(p)
	if err != nil {
		return
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return
	}
	r.Header.Set("Content-Type", "application/json")
	// To net/http: may be sent again where an idle connection turns out to be
	// gone. It is not sent.
	r.Header["Idempotency-Key"] = nil
	if _, err := authorize(r, c.s.Token); err != nil {
		return
	}
	answer, err := c.s.http.Do(r)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)) // for the connection's next request
	answer.Body.Close()
}
