package sse

import (
	"errors"
	"fmt"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/wire"
)

// Errors of [Handler.Pong].
var (
	ErrNoConnection = errors.New("no open stream has that id; it may have ended")
	ErrForeign      = errors.New("the stream belongs to somebody else")
	ErrStalePong    = errors.New("only the latest ping can be answered")
	ErrBadPong      = errors.New("the pong is malformed")
)

// Pong is a client's answer to a stream.ping.
type Pong struct {
	// Seq is the ping's.
	Seq uint64
	// LastEventID is the last id that the client has, by which a named client
	// acknowledges all at or below. Empty: it says nothing of that.
	LastEventID string
}

// Pong takes the answer to a ping of the stream with an id, from a subject,
// which must be the stream's own. Only the latest ping can be answered: late
// is better than never, and again changes nothing. Other pongs change nothing
// and are errors: [ErrNoConnection], [ErrForeign], [ErrStalePong] and
// [ErrBadPong].
func (h *Handler) Pong(id, subject string, p Pong) error {
	key, ok := h.parseConnectionID(id)
	if !ok {
		return ErrNoConnection
	}
	s := h.serve()
	x := s.streams.get(key)
	if x == nil {
		return ErrNoConnection
	}
	if x.subject() != subject {
		return ErrForeign
	}
	at, err := parseAcknowledged(p.LastEventID, x.stream.Topics())
	if err != nil {
		return err
	}
	if x.pings == nil {
		return ErrStalePong // it was never pinged
	}
	rtt, answer := x.pings.Pong(p.Seq, s.clock())
	switch answer {
	case heartbeat.Over:
		return ErrNoConnection
	case heartbeat.Stale:
		return ErrStalePong
	case heartbeat.Again:
		return nil
	case heartbeat.Healed:
		s.turned(x, false)
	}
	if h.Observer != nil {
		h.Observer.Ponged(rtt)
	}
	if len(at) > 0 && x.client != "" && h.Clients != nil {
		h.Clients.Acknowledge(clientKey(x.admission, x.client), at, x.driver.At())
	}
	return nil
}

// parseAcknowledged reads the last_event_id of a pong.
func parseAcknowledged(position string, topics []string) (map[string]eventlog.ID, error) {
	if position == "" {
		return nil, nil
	}
	starts, err := wire.ParsePosition(position, topics)
	if err != nil {
		return nil, fmt.Errorf("%w: last_event_id: %w", ErrBadPong, err)
	}
	at := make(map[string]eventlog.ID, len(topics))
	for i, s := range starts {
		if !s.Head {
			at[topics[i]] = s.ID
		}
	}
	return at, nil
}

// clock is the time since the server began.
func (s *server) clock() time.Duration { return time.Since(s.began) }
