package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// rawStream is a subscription without net/http's client, which has ideas of
// its own about connections.
type rawStream struct {
	*wire.Decoder
	net.Conn
}

// Next returns the next event, for which it waits half a minute.
func (s *rawStream) Next() (wire.Message, error) {
	s.SetDeadline(time.Now().Add(30 * time.Second))
	return s.Decoder.Next()
}

// rawSubscribe follows orders. It returns nil where the hub is full, after it
// has checked that the hub says so, and leaves that connection open.
func rawSubscribe(t *testing.T, address string) *rawStream {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(c, "GET /v1/events?topic=orders HTTP/1.1\r\nHost: %s\r\n\r\n", address)
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		var p struct{ Type string }
		if err := json.NewDecoder(answer.Body).Decode(&p); err != nil || answer.StatusCode != 429 || p.Type != sse.ProblemTypePrefix+"connection-limit" {
			t.Fatalf("answered %s, %+v, %v", answer.Status, p, err)
		}
		if answer.Header.Get("Retry-After") == "" {
			t.Error("429 without Retry-After")
		}
		return nil
	}
	s := &rawStream{wire.NewDecoder(answer.Body), c}
	if m, err := s.Next(); err != nil || m.Type != "stream.open" {
		t.Fatalf("the stream began with %+v, %v", m, err)
	}
	return s
}
