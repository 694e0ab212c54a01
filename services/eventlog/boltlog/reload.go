package boltlog

import (
	"slices"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// reload takes over what the file holds after a commit failed, since it may
// have got there nevertheless. Readers of the file see that, so everybody
// must be told.
func (s *Store) reload() error {
	all, err := s.survey()
	if err != nil {
		return err
	}
	for name := range s.topics {
		if _, ok := all.states[name]; !ok {
			s.set(name, nil)
			s.sink.Forgotten(name)
		}
	}
	for name, state := range all.states {
		if err := s.catchUp(name, state, all.aside[name]); err != nil {
			return err
		}
	}
	if err := s.loadKeys(all); err != nil {
		return err
	}
	if s.clock.Last.Less(all.meta.clock) {
		s.clock.Last = all.meta.clock
	}
	s.floor = all.meta.floor
	s.stale = false
	return nil
}

// catchUp tells the sink what a topic has in the file and not in memory.
func (s *Store) catchUp(name string, state eventlog.State, a []aside) error {
	old := s.topics[name]
	if old != nil && old.State == state && slices.Equal(old.aside, a) {
		return nil
	}
	from := state.Born
	if old != nil && old.Born == state.Born {
		from = old.Last
	}
	var missed []eventlog.Event
	err := s.view(func(v snapshot) error {
		it := v.records(name, &topic{state, a}, from)
		for r, ok := it.next(); ok && !state.Last.Less(r.id); r, ok = it.next() {
			missed = append(missed, eventlog.Event{ID: r.id, Body: slices.Clone(r.body)})
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.set(name, &topic{state, a})
	if old == nil && !state.Trimmed.IsZero() || old != nil && old.Trimmed != state.Trimmed {
		s.sink.Trimmed(name, before(state, from, missed))
	}
	if len(missed) > 0 {
		s.sink.Committed(name, missed)
	}
	return nil
}

// before returns what was known of a topic at a position before events were
// added.
func before(s eventlog.State, at eventlog.ID, added []eventlog.Event) eventlog.State {
	if len(added) == 0 {
		return s
	}
	for _, e := range added {
		s.Events--
		s.Bytes -= int64(len(e.Body))
	}
	if s.Last = at; s.Events <= 0 {
		s.Oldest = eventlog.ID{}
	}
	return s
}
