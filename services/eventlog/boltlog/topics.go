package boltlog

import (
	"slices"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// spare is the empty topics that may give way, idle longest first.
type spare []string

// makeRoom has the batch forget the empty topic that was idle longest. What
// is born later is born above it, so that no position in it comes back.
func (s *Store) makeRoom(b *batch) bool {
	if b.spare == nil {
		b.spare = s.empty()
	}
	for len(*b.spare) > 0 {
		name := (*b.spare)[0]
		*b.spare = (*b.spare)[1:]
		if b.byTopic[name] != nil {
			continue
		}
		t := s.topics[name]
		b.forgotten = append(b.forgotten, &change{name: name, before: t})
		b.gone[name] = true
		b.topics--
		if b.floor.Less(t.Last) {
			b.floor = t.Last
		}
		return true
	}
	return false
}

func (s *Store) empty() *spare {
	names := spare{}
	for name, t := range s.topics {
		if t.Events == 0 {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return s.topics[a].Last.Compare(s.topics[b].Last) })
	return &names
}

// born gives a new topic its beginning.
func (c *change) born(floor eventlog.ID) {
	c.after.Born, c.after.Trimmed = floor, floor
	if len(c.records) > 0 {
		key := appendID(nil, c.events[0].ID)
		finish(c.records[0], c.scope, key, floor)
	}
}

// remove deletes an empty topic.
func (c *change) remove(t tree) error {
	name := []byte(c.name)
	if c.aside != nil {
		if err := c.moveAside(t); err != nil {
			return err
		}
	} else if err := t.topics.DeleteBucket(name); err != nil {
		return err
	}
	return t.states.Delete(name)
}
