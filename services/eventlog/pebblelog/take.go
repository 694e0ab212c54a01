package pebblelog

import "slices"

// take does a step of retention.
func (s *Store) take(step *step) {
	g := s.newGroup()
	g.step = step
	for _, c := range step.cuts {
		if err := s.trim(g, c); err != nil {
			s.options.OnDamage(c.name, err)
		}
	}
	step.keys = s.forgetKeys(g)
	s.apply(g)
}

// trim takes from a topic, unless it is another by now.
func (s *Store) trim(g *group, c *cut) error {
	t := s.planned[c.name]
	if t == nil || t.Born != c.born || !t.Trimmed.Less(c.through) {
		return nil
	}
	oldest, gone := c.oldest, c.gone
	if oldest.IsZero() { // but something may have been appended since
		gone = t.end
		if c.through.Less(t.Last) {
			it, err := s.records(c.name, c.through, t.Last)
			if err != nil {
				return err
			}
			defer it.close()
			ok, err := it.next()
			if !ok {
				return err
			}
			oldest = it.event.ID
			gone = count{it.place.Events - 1, it.place.Bytes - uint64(it.place.Size)}
		}
	}
	g.removeRange(s, next(eventKey(c.name, t.Trimmed)), next(eventKey(c.name, c.through)))
	s.forgetLatest(g, c)
	t.Trimmed, t.Oldest, t.gone = c.through, oldest, gone
	change := s.change(g, c.name)
	change.trimmed = true
	key := topicKey(c.name)
	g.set(s, key, sealTopic(key, t))
	return nil
}

// forgetLatest deletes what is known of keys whose latest event is taken.
func (s *Store) forgetLatest(g *group, c *cut) {
	slices.Sort(c.keys)
	for _, key := range slices.Compact(c.keys) {
		k := latestKey(c.name, key)
		value, closer, err := s.db.Get(k)
		if err != nil {
			continue // it is not there, or is left: it is below what is kept
		}
		id, err := openLatest(s.planned[c.name], k, value)
		_ = closer.Close() // says nothing that Get did not
		if err == nil && !c.through.Less(id) {
			g.remove(s, k)
		}
	}
}

// forgetKeys forgets idempotency keys, and reports whether there are more.
func (s *Store) forgetKeys(g *group) (more bool) {
	s.mu.Lock()
	more = s.keys.Expire(g.now)
	s.mu.Unlock()
	if floor := s.keys.Floor(); s.keysGone.Less(floor) {
		g.removeRange(s, onceKey(s.keysGone), next(onceKey(floor)))
		s.keysGone = floor
		s.putMeta(g)
	}
	return more
}

func (s *Store) putMeta(g *group) { g.set(s, metaKey, sealMeta(meta{s.floor, s.keysGone})) }

// spare is the empty topics that may give way, idle longest first.
type spare []string

// makeRoom forgets the empty topic that was idle longest. What is born later is
// born above it, so that no position in it comes back.
func (s *Store) makeRoom(g *group) bool {
	if g.spare == nil {
		g.spare = s.empty()
	}
	for len(*g.spare) > 0 {
		name := (*g.spare)[0]
		*g.spare = (*g.spare)[1:]
		t := s.planned[name]
		if t == nil || g.byTopic[name] != nil {
			continue
		}
		delete(s.planned, name)
		g.forgotten = append(g.forgotten, name)
		g.remove(s, topicKey(name))
		g.removeRange(s, eventsOf(name), behind(eventsOf(name)))
		g.removeRange(s, latestOf(name), behind(latestOf(name)))
		if s.floor.Less(t.Last) {
			s.floor = t.Last
		}
		s.putMeta(g)
		return true
	}
	return false
}

func (s *Store) empty() *spare {
	names := spare{}
	for name, t := range s.planned {
		if t.end == t.gone {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return s.planned[a].Last.Compare(s.planned[b].Last) })
	return &names
}
