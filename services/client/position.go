package client

import (
	"slices"
	"strings"

	"github.com/sluice-stream/sluice/services/wire"
)

// place is a position in one topic.
type place struct {
	topic string
	id    wire.ID
}

// parsePlaces reads the id of a connection on the given topics. It answers
// false for ids of another kind, and where none of the topics is in it.
func parsePlaces(id string, topics []string) ([]place, bool) {
	if len(topics) > 1 && !strings.Contains(id, "@") {
		return nil, false
	}
	starts, err := wire.ParsePosition(id, topics)
	if err != nil {
		return nil, false
	}
	var places []place
	for i, start := range starts {
		if !start.Head {
			places = append(places, place{topics[i], start.ID})
		}
	}
	return places, len(places) > 0
}

func find(places []place, topic string) *place {
	for i := range places {
		if places[i].topic == topic {
			return &places[i]
		}
	}
	return nil
}

// position is where a subscription is in its topics. On a hub's stream it
// tells which topic an event is of and whether it is new; of another server's
// ids, which mean what that server likes, it knows the last one only.
type position struct {
	topics []string
	text   string  // to be presented; empty: nothing is known yet
	at     []place // the same, read; empty for ids of another kind
	hub    bool    // the stream that is read is a hub's
	stream []place // its last id, which lags where it repeats events
}

func newPosition(topics []string, text string) *position {
	p := &position{topics: topics, text: text}
	p.at, _ = parsePlaces(text, topics)
	return p
}

// begin is called before each stream.
func (p *position) begin() { p.hub, p.stream = false, nil }

// opened takes the id of stream.open: where the stream starts in topics that
// no position was known for. It says too which topics are followed where the
// address alone names them.
func (p *position) opened(id string, o *wire.Open) {
	if len(p.topics) == 0 {
		for _, t := range o.Topics {
			p.topics = append(p.topics, t.Topic)
		}
		p.at, _ = parsePlaces(p.text, p.topics)
	}
	places, ok := parsePlaces(id, p.topics)
	if !ok {
		return
	}
	p.hub, p.stream = true, places
	at := slices.Clone(places)
	for i := range at {
		if known := find(p.at, at[i].topic); known != nil {
			at[i] = *known
		}
	}
	p.at = at
	p.text = p.format("")
}

// moved takes the last id after an event. The event is repeated where its topic
// is at or beyond it already.
func (p *position) moved(last lastID) (topic string, repeated bool) {
	topic = p.only()
	id := last.id
	places, ok := parsePlaces(id, p.topics)
	switch {
	case !p.hub && last.seen:
		p.text, p.at = id, places
		return topic, false
	case !p.hub, !ok: // of a hub: no id to come back with
		return topic, false
	}
	now := p.moving(places)
	p.stream = places
	if now == nil {
		return topic, true
	}
	known := find(p.at, now.topic)
	switch {
	case known == nil:
		p.at = append(p.at, *now)
	case now.id.Compare(known.id) <= 0:
		return now.topic, true
	default:
		known.id = now.id
	}
	if p.text = id; !slices.Equal(p.at, places) || !begins(id, now.topic) {
		p.text = p.format(now.topic) // the stream lags in another topic, or an older hub sends it
	}
	return now.topic, false
}

// moving returns the place in which an id differs from that before it.
func (p *position) moving(places []place) *place {
	for i := range places {
		if before := find(p.stream, places[i].topic); before == nil || before.id != places[i].id {
			return &places[i]
		}
	}
	return nil
}

// jumped takes the id of a gap in a topic, which may go back as well: the
// server's log may have been lost and begun anew.
func (p *position) jumped(topic, id string) {
	places, ok := parsePlaces(id, p.topics)
	one := find(places, topic)
	if !ok || one == nil {
		p.moved(lastID{id, true})
		return
	}
	p.stream = places
	if known := find(p.at, topic); known != nil {
		known.id = one.id
	} else {
		p.at = append(p.at, *one)
	}
	p.text = p.format(topic)
}

// only returns the topic where there is but one.
func (p *position) only() string {
	if len(p.topics) == 1 {
		return p.topics[0]
	}
	return ""
}

// begins reports whether the place in a topic stands first in an id; the only
// place always does.
func begins(id, topic string) bool {
	return !strings.Contains(id, "@") || len(id) > len(topic) && id[len(topic)] == '@' && id[:len(topic)] == topic
}

// format writes the position as the hub does: the topic that has moved, if one
// has, and then the others.
func (p *position) format(moved string) string {
	if len(p.topics) == 1 && len(p.at) == 1 {
		return p.at[0].id.String()
	}
	var b []byte
	if one := find(p.at, moved); one != nil {
		b = wire.AppendPlace(b, one.topic, one.id)
	}
	for _, one := range p.at {
		if one.topic == moved {
			continue
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = wire.AppendPlace(b, one.topic, one.id)
	}
	return string(b)
}
