package stream

import (
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// AppendPosition appends the position of a connection: the id alone on one
// topic, topic@id for each on several. The topic that has moved stands first,
// so that a client that is given nothing but the id can tell whose event it is;
// the others are in the order of the request, as all are where none has moved.
func (s *Stream) AppendPosition(dst []byte, moved *Sub) []byte {
	if len(s.Subs) == 1 {
		return s.Subs[0].At.AppendTo(dst)
	}
	if moved != nil {
		dst = wire.AppendPlace(dst, moved.Topic.Name(), moved.At)
	}
	for i := range s.Subs {
		u := &s.Subs[i]
		if u == moved {
			continue
		}
		if i > 0 || moved != nil {
			dst = append(dst, ',')
		}
		dst = wire.AppendPlace(dst, u.Topic.Name(), u.At)
	}
	return dst
}

// Positions returns where a stream is in its topics, but for the server's own.
func (s *Stream) Positions() map[string]eventlog.ID {
	at := make(map[string]eventlog.ID, len(s.Subs))
	for i := range s.Subs {
		if s.Subs[i].Own {
			continue
		}
		at[s.Subs[i].Topic.Name()] = s.Subs[i].At
	}
	return at
}
