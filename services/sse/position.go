package sse

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// start is where a client wants to begin in one topic: at the head, or after
// an id.
type start struct {
	head bool
	id   eventlog.ID
}

// errBareID: a bare id cannot say where to begin in several topics.
var errBareID = errors.New("an id without a topic cannot stand for several topics: want topic@id,topic@id")

// parsePosition reads a Last-Event-ID for a connection on the given topics:
// "0" or "$" for all, an id for a single one, or "topic@id,topic@id…", where
// topics that were not asked for are ignored and missing ones start at the
// head. Empty text is "$".
func parsePosition(s string, topics []string) ([]start, error) {
	starts := make([]start, len(topics))
	if !strings.Contains(s, "@") {
		one, err := parseStart(s)
		if err != nil {
			return nil, err
		}
		if len(topics) > 1 && !one.head && s != "0" {
			return nil, errBareID
		}
		for i := range starts {
			starts[i] = one
		}
		return starts, nil
	}
	for i := range starts {
		starts[i].head = true
	}
	var seen []string
	for part := range strings.SplitSeq(s, ",") {
		topic, id, ok := strings.Cut(part, "@")
		if !ok || !eventlog.ValidTopic(topic) {
			return nil, fmt.Errorf("%q in the position is not topic@id", part)
		}
		one, err := parseStart(id)
		if err != nil || id == "" {
			return nil, fmt.Errorf("position in topic %s: %w", topic, eventlog.ErrBadID)
		}
		i := slices.Index(topics, topic)
		if i < 0 {
			continue
		}
		if slices.Contains(seen, topic) {
			return nil, fmt.Errorf("topic %s stands twice in the position", topic)
		}
		seen = append(seen, topic)
		starts[i] = one
	}
	return starts, nil
}

func parseStart(s string) (start, error) {
	if s == "" || s == "$" {
		return start{head: true}, nil
	}
	id, err := eventlog.ParseID(s)
	return start{id: id}, err
}

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
		dst = append(dst, s.subs[i].Topic.Name()...)
		dst = append(dst, '@')
		dst = s.subs[i].At.AppendTo(dst)
	}
	return dst
}
