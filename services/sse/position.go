package sse

import "github.com/sluice-stream/sluice/services/wire"

// appendPosition appends the position of a connection: the id alone on one
// topic, topic@id for each on several. The topic that has moved stands first,
// so that a client that is given nothing but the id can tell whose event it is;
// the others are in the order of the request, as all are where none has moved.
func (s *stream) appendPosition(dst []byte, moved *sub) []byte {
	if len(s.subs) == 1 {
		return s.subs[0].At.AppendTo(dst)
	}
	if moved != nil {
		dst = wire.AppendPlace(dst, moved.Topic.Name(), moved.At)
	}
	for i := range s.subs {
		u := &s.subs[i]
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
