package wire

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Start is where a client wants to begin in one topic: at the head, or after
// an id.
type Start struct {
	Head bool
	ID   ID
}

// String returns "$" for the head, else the id.
func (s Start) String() string {
	if s.Head {
		return "$"
	}
	return s.ID.String()
}

// ErrBareID is returned for an id that cannot say where to begin in several
// topics.
var ErrBareID = errors.New("an id without a topic cannot stand for several topics: want topic@id,topic@id")

// ParsePosition reads a Last-Event-ID for a connection on the given topics:
// "0" or "$" for all, an id for a single one, or "topic@id,topic@id…", where
// topics that were not asked for are ignored and missing ones start at the
// head. Empty text is "$". There is a start for each topic.
func ParsePosition(text string, topics []string) ([]Start, error) {
	starts := make([]Start, len(topics))
	if !strings.Contains(text, "@") {
		one, err := parseStart(text)
		if err != nil {
			return nil, err
		}
		if len(topics) > 1 && !one.Head && text != "0" {
			return nil, ErrBareID
		}
		for i := range starts {
			starts[i] = one
		}
		return starts, nil
	}
	for i := range starts {
		starts[i].Head = true
	}
	var seen []string
	for part := range strings.SplitSeq(text, ",") {
		topic, id, ok := strings.Cut(part, "@")
		if !ok || !ValidTopic(topic) {
			return nil, fmt.Errorf("%q in the position is not topic@id", part)
		}
		one, err := parseStart(id)
		if err != nil || id == "" {
			return nil, fmt.Errorf("position in topic %s: %w", topic, ErrBadID)
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

func parseStart(text string) (Start, error) {
	if text == "" || text == "$" {
		return Start{Head: true}, nil
	}
	id, err := ParseID(text)
	return Start{ID: id}, err
}

// AppendPlace appends the position in one of several topics. The places of a
// composite id have commas between them.
func AppendPlace(dst []byte, topic string, id ID) []byte {
	dst = append(dst, topic...)
	dst = append(dst, '@')
	return id.AppendTo(dst)
}
