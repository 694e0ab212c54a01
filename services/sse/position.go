package sse

import "github.com/sluice-stream/sluice/services/wire"

// appendPosition appends the position of a connection: the id alone on one
// topic, topic@id for each on several.
func (s *stream) appendPosition(dst []byte) []byte {
	if len(s.subs) == 1 {
		return s.subs[0].At.AppendTo(dst)
	}
	for i := range s.subs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = wire.AppendPlace(dst, s.subs[i].Topic.Name(), s.subs[i].At)
	}
	return dst
}
