package boltlog

import (
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// load takes over what the file holds when it was opened. lost says that its
// last commit may be missing: readers are told so in every topic. damage is
// why the keys can't be changed any more.
func (s *Store) load(lost bool, damage error) error {
	all, err := s.survey()
	if err != nil {
		return err
	}
	if all.fresh {
		return s.update(func(tx *bbolt.Tx) error {
			for _, name := range []string{metaName, statesName, topicsName, asideName, keysName} {
				if _, err := tx.CreateBucket([]byte(name)); err != nil {
					return err
				}
			}
			return s.putMeta(tx, s.floor)
		})
	}
	s.clock.Last, s.floor, s.asides = all.meta.clock, all.meta.floor, all.asides > 0
	for name, state := range all.states {
		s.topics[name] = &topic{state, all.aside[name]}
		s.bytes += state.Bytes
	}
	if err := s.loadKeys(all); err != nil {
		return err
	}
	if all.keys == nil || damage != nil {
		if err := s.newKeys(damage); err != nil {
			return err
		}
	}
	if lost {
		return s.raise()
	}
	return nil
}

// raise puts the end of every topic above whatever the last commit may have
// held, so that it shows as a gap.
func (s *Store) raise() error {
	s.clock.Last = eventlog.ID{MS: s.clock.Last.MS + 1}
	s.floor = s.clock.Next()
	for name, t := range s.topics {
		raised := *t
		raised.Last = s.floor
		s.topics[name] = &raised
		s.damaged(name, fmt.Errorf("the last commit may be lost: %w", errDamaged))
	}
	return s.update(func(tx *bbolt.Tx) error {
		states := tx.Bucket([]byte(statesName))
		for name, t := range s.topics {
			if err := states.Put([]byte(name), sealState(name, t.State)); err != nil {
				return err
			}
		}
		return s.putMeta(tx, s.floor)
	})
}

// Start implements [eventlog.Store].
func (s *Store) Start(sink eventlog.Sink) (map[string]eventlog.State, error) {
	s.sink = sink
	states := make(map[string]eventlog.State, len(s.topics))
	for name, t := range s.topics {
		states[name] = t.State
	}
	go s.run()
	return states, nil
}

// set replaces what is known of a topic; nil: it is gone.
func (s *Store) set(name string, t *topic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.topics[name]; old != nil {
		s.bytes -= old.Bytes
	}
	if t == nil {
		delete(s.topics, name)
		return
	}
	s.topics[name] = t
	s.bytes += t.Bytes
}

func (s *Store) putMeta(tx *bbolt.Tx, floor eventlog.ID) error {
	return tx.Bucket([]byte(metaName)).Put(metaKey, sealMeta(meta{s.clock.Last, floor}))
}
