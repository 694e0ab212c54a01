package boltlog

import (
	"bytes"
	"fmt"
)

var (
	maxKey = bytes.Repeat([]byte{0xff}, idLen)

	errNotEmpty = fmt.Errorf("%w: an empty topic has records", errDamaged)
)

// guard verifies the pages that a batch is going to change, since bbolt takes
// them as they are. A topic with damage on the way to its end is set aside;
// damage in what all topics share fails the batch.
func (s *Store) guard(b *batch) error {
	return s.view(func(v snapshot) error {
		g, err := v.guard()
		if err != nil {
			return err
		}
		for _, c := range b.forgotten {
			if err := s.check(g, c, true, g.empty); err != nil {
				return err
			}
		}
		for _, c := range b.changes {
			if err := s.check(g, c, false, func(sub bucket) error { return g.end(c, sub) }); err != nil {
				return err
			}
		}
		return s.guardKeys(g, &b.keys)
	})
}

type guard struct {
	*verifier
	states, topics, aside, keys bucket
}

func (v snapshot) guard() (*guard, error) {
	g := &guard{verifier: v.verifier()}
	g.known = map[uint64]page{}
	var meta bucket
	err := g.eachBucket(v.root, func(name []byte, b bucket) {
		switch string(name) {
		case metaName:
			meta = b
		case statesName:
			g.states = b
		case topicsName:
			g.topics = b
		case asideName:
			g.aside = b
		case keysName:
			g.keys = b
		}
	})
	if err == nil {
		_, err = g.path(meta, metaKey, false)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	return g, nil
}

// check verifies the way to a topic and its state, and has the topic set
// aside where its own pages are not sound.
func (s *Store) check(g *guard, c *change, deletes bool, sound func(bucket) error) error {
	leaf, err := g.path(g.topics, []byte(c.name), deletes)
	if err == nil {
		_, err = g.path(g.states, []byte(c.name), deletes)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	if c.before == nil {
		return nil
	}
	e, ok := leaf.find([]byte(c.name))
	if !ok || e.flags != bucketFlag {
		return fmt.Errorf("%w: topic %s is missing", errDamaged, c.name)
	}
	if c.aside == nil {
		sub, err := openBucket(e.value)
		if err == nil {
			err = sound(sub)
		}
		if err == nil {
			return nil
		}
		c.setAside()
		s.asides = true
		s.damaged(c.name, fmt.Errorf("set aside: %w", err))
	}
	if _, err = g.path(g.aside, c.aside.key(c.name), false); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return nil
}

// end verifies the way to the end of a topic.
func (g *guard) end(c *change, sub bucket) error {
	leaf, err := g.path(sub, maxKey, false)
	if err != nil {
		return err
	}
	n := leaf.count()
	if n == 0 {
		return c.before.wantEmpty()
	}
	if e, _ := leaf.element(n - 1); len(e.key) != idLen || c.before.Last.Less(readID(e.key)) {
		return fmt.Errorf("%w: a record beyond the end", errDamaged)
	}
	return leaf.of(scopeOf(c.name))
}

// wantEmpty is an error where a topic has records in its own pages.
func (t *topic) wantEmpty() error {
	n := t.Events
	for _, a := range t.aside {
		n -= a.events
	}
	if n != 0 {
		return fmt.Errorf("%w: %d records are missing", errDamaged, n)
	}
	return nil
}

// of verifies that a leaf is one of a topic: it may have been led to by a
// wrong page number. One record that proves itself is enough, the others may
// be damaged.
func (p page) of(topic scope) error {
	for i := range p.count() {
		e, _ := p.element(i)
		if e.flags != 0 {
			return errPage
		}
		if _, err := openRecord(topic, e.key, e.value); err == nil {
			return nil
		}
	}
	if p.count() == 0 {
		return nil
	}
	return fmt.Errorf("%w: a page of other records", errDamaged)
}

// empty verifies that there is nothing in a topic to be deleted with it.
func (g *guard) empty(sub bucket) error {
	p, err := g.open(sub, fence{})
	if err == nil && (sub.root != 0 || p.count() != 0) {
		err = errNotEmpty
	}
	return err
}
