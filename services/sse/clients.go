package sse

import "github.com/sluice-stream/sluice/services/eventlog"

// Clients remembers where named clients (client_id) are, so that a page that
// was loaded anew resumes without an id. A client's cursor in a topic begins
// where its first stream did and moves forward only, to ids that the client
// has acknowledged and that it was sent. Started may wait for a disk, as it is
// called before the stream begins; the others must not. A client's name has
// its subject's in it.
type Clients interface {
	// Acknowledged returns the cursors of a client; nil where it is unknown.
	Acknowledged(client string) map[string]eventlog.ID
	// Started reports that a stream of the client has begun.
	Started(client string, at []ClientStart)
	// Acknowledge reports what a client has received of a stream that was sent
	// so much.
	Acknowledge(client string, at, sent map[string]eventlog.ID)
	// Ended reports how far a stream of the client was sent.
	Ended(client string, sent map[string]eventlog.ID)
}

// ClientStart is how a named client's stream begins in one topic.
type ClientStart struct {
	Topic string
	// Presented is the id in the client's request, by which it acknowledges
	// all at or below; nil where it gave none.
	Presented *eventlog.ID
	// At is where the stream begins.
	At eventlog.ID
	// Head is the topic's last id. The log may have been lost and begun anew,
	// and cursors beyond its head with it.
	Head eventlog.ID
}

// clientStarts says how a handshake begins a named client's stream. The
// server's own topics, which no client could miss anything of, are left out.
func (hs *handshake) clientStarts(s *subscription) []ClientStart {
	starts := make([]ClientStart, 0, len(s.topics))
	for i, topic := range s.topics {
		u := &hs.stream.Subs[i]
		if u.Own {
			continue
		}
		state, _ := u.Topic.State()
		start := ClientStart{Topic: topic, At: u.At, Head: state.Last}
		if s.presented && !s.starts[i].Head {
			start.Presented = &s.starts[i].ID
		}
		starts = append(starts, start)
	}
	return starts
}
