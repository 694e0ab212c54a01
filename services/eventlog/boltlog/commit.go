package boltlog

import (
	"fmt"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// change is what a batch does to one topic. Nothing keeps it when the batch is
// committed.
type change struct {
	name     string // the store's own: the map of topics has it
	scope    scope
	before   *topic // nil: it is new
	after    topic
	events   []eventlog.Event
	records  [][]byte
	requests []*request
	deletes  [][]byte // keys
	aside    *aside   // its earlier pages, where those can't be changed any more
}

// batch is what one commit does.
type batch struct {
	changes   []*change
	byTopic   map[string]*change
	forgotten []*change
	gone      map[string]bool // the names of those
	topics    int             // how many there are after it
	floor     eventlog.ID
	spare     *spare // to make room for new topics; nil: not looked for yet
	keys      keyChange
}

// commit writes a batch, shows it to readers and answers the publishers.
func (s *Store) commit(requests []*request) {
	err := s.broken
	if err == nil && s.stale {
		err = s.reload()
	}
	if err != nil {
		for _, r := range requests {
			r.answer <- failed(err)
		}
		return
	}
	b := s.plan(requests)
	if len(b.changes) == 0 {
		return
	}
	if err = s.apply(b); err != nil {
		err = failed(err)
	}
	for _, c := range b.changes {
		for _, r := range c.requests {
			r.answer <- err
		}
	}
	b.keys.answer(err)
}

func failed(err error) error { return fmt.Errorf("append: %w: %w", eventlog.ErrStoreFailed, err) }

// plan gives every request its place. Those that can't have one are answered.
func (s *Store) plan(requests []*request) *batch {
	b := &batch{byTopic: map[string]*change{}, gone: map[string]bool{}, topics: len(s.topics), floor: s.floor}
	for _, r := range requests {
		if r.key != nil && s.answered(b, r) {
			continue
		}
		c := b.byTopic[r.topic]
		if c == nil {
			if c = s.begins(b, r.topic); c == nil {
				r.answer <- eventlog.ErrTooManyTopics
				continue
			}
		}
		c.add(r, s.clock.Next())
		if r.key != nil {
			b.keys.add(r)
		}
	}
	return b
}

// begins starts the change of a topic; nil where there is no room for it.
func (s *Store) begins(b *batch, name string) *change {
	// A publisher's name is part of its request, and this one is kept.
	c := &change{name: strings.Clone(name), scope: scopeOf(name), before: s.topics[name]}
	if c.before != nil && !b.gone[name] {
		c.after = *c.before
	} else {
		if s.options.MaxTopics > 0 && b.topics >= s.options.MaxTopics && !s.makeRoom(b) {
			return nil
		}
		c.before = nil
		b.topics++
	}
	b.changes = append(b.changes, c)
	b.byTopic[name] = c
	return c
}

func (c *change) add(r *request, id eventlog.ID) {
	key := appendID(make([]byte, 0, idLen), id)
	finish(r.record, c.scope, key, c.after.Last)
	r.receipt.ID = id
	body := r.record[recordHead:]
	c.events = append(c.events, eventlog.Event{ID: id, Body: body})
	c.records = append(c.records, r.record)
	c.requests = append(c.requests, r)
	if c.after.Events == 0 {
		c.after.Oldest = id
	}
	c.after.Events++
	c.after.Bytes += int64(len(body))
	c.after.Last = id
}

// apply commits a batch and tells everybody.
func (s *Store) apply(b *batch) error {
	for _, c := range b.changes {
		if c.before == nil { // the floor is final only now
			c.born(b.floor)
		}
	}
	if err := s.guard(b); err != nil {
		return err
	}
	if err := s.write(b); err != nil {
		s.stale = true
		return err
	}
	s.floor = b.floor
	s.remember(&b.keys)
	for _, c := range b.forgotten {
		s.set(c.name, nil)
		s.sink.Forgotten(c.name)
	}
	for _, c := range b.changes {
		after := c.after // a pointer into the change would keep it, with its events and with the change before it
		s.set(c.name, &after)
		s.tell(c)
	}
	return nil
}

func (s *Store) tell(c *change) {
	switch {
	case c.before == nil && !c.after.Born.IsZero():
		born := c.after.Born
		s.sink.Trimmed(c.name, eventlog.State{Last: born, Trimmed: born, Born: born})
	case c.before != nil && c.before.Trimmed != c.after.Trimmed:
		s.sink.Trimmed(c.name, c.after.State)
	}
	if len(c.events) > 0 {
		s.sink.Committed(c.name, c.events)
	}
}

// tree is the file's buckets in a transaction that writes.
type tree struct{ states, topics, aside *bbolt.Bucket }

func buckets(tx *bbolt.Tx) tree {
	return tree{
		states: tx.Bucket([]byte(statesName)),
		topics: tx.Bucket([]byte(topicsName)),
		aside:  tx.Bucket([]byte(asideName)),
	}
}

func (b *batch) put(t tree) error {
	for _, c := range b.forgotten {
		if err := c.remove(t); err != nil {
			return err
		}
	}
	for _, c := range b.changes {
		if err := c.put(t); err != nil {
			return fmt.Errorf("topic %s: %w", c.name, err)
		}
	}
	return nil
}

func (c *change) put(t tree) error {
	name := []byte(c.name)
	if c.aside != nil {
		if err := c.moveAside(t); err != nil {
			return err
		}
	}
	b, err := t.topics.CreateBucketIfNotExists(name)
	if err != nil {
		return err
	}
	b.FillPercent = 1 // keys only rise
	for _, key := range c.deletes {
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	for i, r := range c.records {
		if err := b.Put(appendID(nil, c.events[i].ID), r); err != nil {
			return err
		}
	}
	return t.states.Put(name, sealState(c.name, c.after.State))
}
