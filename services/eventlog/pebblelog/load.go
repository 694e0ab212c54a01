package pebblelog

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/stored"
)

// load takes over what the database holds when it was opened.
func (s *Store) load() error {
	if empty, err := s.nothing(); err != nil {
		return err
	} else if empty {
		s.floor = s.clock.Next() // readers of what was there before are told that it is gone
		g := s.newGroup()
		s.putMeta(g)
		if err := s.db.Apply(g.batch, pebble.Sync); err != nil {
			return err
		}
		// The log of a new database begins in its oldest format, which takes
		// damage for its end. The next one has the format that was asked for.
		return s.db.Flush()
	}
	l := &load{store: s, seen: map[string]bool{}}
	for _, part := range []func() error{l.meta, l.topics, l.records, l.keys} {
		if err := part(); err != nil {
			return err
		}
	}
	if l.lostTopics && l.lostRecords {
		return fmt.Errorf("%w: neither what is stored of topics nor their records can be read, so some may be gone without a trace", stored.ErrDamaged)
	}
	return l.raise()
}

// nothing reports whether the database was only just created.
func (s *Store) nothing() (bool, error) {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return false, err
	}
	some := it.First()
	if err := it.Close(); err != nil && !damaged(err) {
		return false, err
	} else if err != nil {
		return false, nil
	}
	return !some, nil
}

// load is what is found on the way.
type load struct {
	store  *Store
	raised []string        // topics whose end can't be read
	seen   map[string]bool // topics that have records
	// What can't be read: some of the store's own, of what is stored of topics
	// beside their records, of records.
	lostMeta, lostTopics, lostRecords bool
}

func (l *load) damaged(topic, what string, err error) {
	l.store.options.OnDamage(topic, fmt.Errorf("%s: %w", what, err))
}

func (l *load) meta() error {
	s := l.store
	value, closer, err := s.db.Get(metaKey)
	if err == nil {
		var m meta
		if m, err = openMeta(value); err == nil {
			s.floor, s.keysGone = m.floor, m.keys
		}
		_ = closer.Close() // says nothing that Get did not
	}
	if err != nil {
		if errors.Is(err, pebble.ErrNotFound) {
			err = fmt.Errorf("%w: it is missing", stored.ErrDamaged)
		}
		if !damaged(err) {
			return err
		}
		l.damaged("", "what the store knows of itself", err)
		l.lostMeta = true
	}
	s.clock.Last = s.floor
	return nil
}

// each visits what is in the database between two keys, passes over what can't
// be read, and reports whether there was any.
func (l *load) each(lower, upper []byte, visit func(key, value []byte) error) (lost bool, err error) {
	for {
		it, err := l.store.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
		if err != nil {
			return lost, err
		}
		for ok := it.First(); ok; ok = it.Next() {
			lower = next(append([]byte(nil), it.Key()...))
			value, err := it.ValueAndErr()
			if err == nil {
				err = visit(it.Key(), value)
			}
			if err != nil {
				lost = true
				if !damaged(err) {
					_ = it.Close() // the first error says more
					return lost, err
				}
				l.damaged("", fmt.Sprintf("key %q", it.Key()), err)
			}
		}
		if err = it.Close(); err == nil || !damaged(err) {
			return lost, err
		}
		lost = true
		l.damaged("", "the database", err)
		var ok bool
		if lower, ok, err = readable(l.store.db, lower, upper); !ok {
			return lost, err
		}
	}
}

// topics reads what is stored of each topic beside its records.
func (l *load) topics() error {
	s := l.store
	lost, err := l.each([]byte{topicKind}, []byte{topicKind + 1}, func(key, value []byte) error {
		t, err := openTopic(key, value)
		if err != nil {
			return err
		}
		s.planned[string(key[1:])] = t
		s.given(t.Last)
		return nil
	})
	l.lostTopics = lost
	return err
}

// given has the clock stay above an id.
func (s *Store) given(id eventlog.ID) {
	if s.clock.Last.Less(id) {
		s.clock.Last = id
	}
}

// keys takes up the idempotency keys. What can't be read is forgotten and
// reported: it costs no more than that a publish which is tried once more may
// be committed twice.
func (l *load) keys() error {
	s := l.store
	oldest := uint64(0)
	if age := s.options.Keys.Age; age > 0 {
		oldest = uint64(max(s.now().Add(-age).UnixMilli(), 0))
	}
	lower := onceKey(higher(s.keysGone, eventlog.ID{MS: oldest}))
	_, err := l.each(lower, []byte{onceKind + 1}, func(key, value []byte) error {
		k, err := openOnce(key, value)
		if err == nil && s.keys.Last().Less(k.ID) {
			s.keys.Add(k)
			s.given(k.ID)
		}
		return err
	})
	return err
}

func higher(a, b eventlog.ID) eventlog.ID {
	if a.Less(b) {
		return b
	}
	return a
}

// raise puts the end of every topic whose end can't be read above whatever it
// may have had, so that it shows as a gap. Where records are lost a topic of
// which none is left may be one of them.
func (l *load) raise() error {
	s := l.store
	if l.lostRecords {
		for name := range s.planned {
			if !l.seen[name] {
				l.raised = append(l.raised, name)
			}
		}
	}
	if !l.lostMeta && !l.lostTopics && !l.lostRecords && len(l.raised) == 0 {
		l.known()
		return nil
	}
	s.given(eventlog.ID{MS: s.clock.Last.MS + 1})
	s.floor = s.clock.Next()
	g := s.newGroup()
	s.putMeta(g)
	for _, name := range l.raised {
		if s.planned[name] == nil {
			t := newTopic(name)
			t.Born, t.Trimmed = s.floor, s.floor
			s.planned[name] = t
		}
		s.planned[name].Last = s.floor
		l.damaged(name, "the end of the topic may be lost", stored.ErrDamaged)
	}
	for name, t := range s.planned {
		key := topicKey(name)
		g.set(s, key, sealTopic(key, t))
	}
	l.known()
	return s.db.Apply(g.batch, pebble.Sync)
}

// known has readers know what was found.
func (l *load) known() {
	for name, t := range l.store.planned {
		t.recount()
		l.store.topics[name] = known{State: t.State, gone: t.gone}
	}
}
