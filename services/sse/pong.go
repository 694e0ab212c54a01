package sse

import (
	"fmt"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
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
	e := s.streams.get(key)
	if e == nil {
		return ErrNoConnection
	}
	m := e.about()
	if m.subject() != subject {
		return ErrForeign
	}
	at, err := parseAcknowledged(p.LastEventID, e.topics())
	if err != nil {
		return err
	}
	if m.pings == nil {
		return ErrStalePong // it was never pinged
	}
	rtt, fresh, healed, err := m.pings.pong(p.Seq, s.clock())
	if err != nil || !fresh {
		return err
	}
	if healed {
		s.turned(m, false)
	}
	if h.Observer != nil {
		h.Observer.Ponged(rtt)
	}
	if len(at) > 0 && m.client != "" && h.Clients != nil {
		h.Clients.Acknowledge(clientKey(m.admission, m.client), at, e.at())
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

// missed counts a ping whose pong did not come in time. A stream's first in a
// row makes it degraded.
func (s *server) missed(m *meta, first bool) {
	if first {
		s.turned(m, true)
	}
	if s.h.Observer != nil {
		s.h.Observer.PingMissed()
	}
}

// clock is the time since the server began.
func (s *server) clock() time.Duration { return time.Since(s.began) }
