package boltlog

import (
	"math"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// What one transaction deletes is bounded: events, and bytes of the pages that
// are held until it is committed.
const (
	retainEvents = 2000
	retainBytes  = 8 << 20
)

// retain applies retention in one transaction, and reports whether there is
// more to do.
func (s *Store) retain() (more bool) {
	if s.broken != nil || s.stale && s.reload() != nil {
		return false
	}
	r, b := s.retention(), &batch{floor: s.floor}
	more = s.expireKeys()
	err := s.view(func(v snapshot) error {
		if err := r.run(s, v); err != nil {
			return err
		}
		return s.cutKeys(r.guard, &b.keys)
	})
	if err != nil {
		return false // publishers and readers meet the same
	}
	for _, t := range r.cuts {
		if t.aside != nil || t.after.State != t.before.State {
			b.changes = append(b.changes, t.change)
		}
	}
	if len(b.changes) == 0 && !b.keys.any() {
		s.remember(&b.keys)
		return more
	}
	return s.apply(b) == nil && (more || r.full() || s.keysTrimmed.Less(s.keys.Floor()))
}

// retention decides how far each topic is trimmed.
type retention struct {
	eventlog.Retention
	oldest uint64 // milliseconds: what is older is too old
	total  int64  // bytes of all topics
	left   int    // events that may still be deleted
	guard  *guard
	cuts   map[string]*cut
}

func (s *Store) retention() *retention {
	r := &retention{Retention: s.options.Retention, total: s.bytes, left: retainEvents, cuts: map[string]*cut{}}
	if r.Age > 0 {
		r.oldest = uint64(max(s.clock.Time().Add(-r.Age).UnixMilli(), 0))
	}
	for _, limit := range []*int64{&r.Events, &r.Bytes, &r.TotalBytes} {
		if *limit <= 0 {
			*limit = math.MaxInt64
		}
	}
	return r
}

func (r *retention) run(s *Store, v snapshot) (err error) {
	if r.guard, err = v.guard(); err != nil {
		return err
	}
	for name, t := range s.topics {
		if r.full() {
			return nil
		}
		if t.Events == 0 || t.Oldest.MS >= r.oldest && t.Events <= r.Events && t.Bytes <= r.Bytes {
			continue
		}
		if err := r.take(s, r.cut(name, t), r.own); err != nil {
			return err
		}
	}
	return r.shared(s)
}

// full reports whether the transaction has enough to do. It has at least one
// event, however large its page is.
func (r *retention) full() bool {
	return r.left == 0 || r.left < retainEvents && r.guard.held >= retainBytes
}

// cut is what retention takes from one topic.
type cut struct {
	*change
	bytes int64 // that were taken
}

func (r *retention) cut(name string, t *topic) *cut {
	if r.cuts[name] == nil {
		r.cuts[name] = &cut{change: &change{name: name, before: t, after: *t}}
	}
	return r.cuts[name]
}

// piece is what retention takes at a time: an event, or a part of a topic
// that was set aside.
type piece struct {
	id            eventlog.ID // of its last event
	events, bytes int64
	aside         bool
}

// own says whether a topic's own limits want a piece gone. A part that was
// set aside goes when what is left without it reaches them.
func (r *retention) own(s eventlog.State, p piece) bool {
	if p.aside {
		return p.id.MS < r.oldest || s.Events-p.events >= r.Events || s.Bytes-p.bytes >= r.Bytes
	}
	return p.id.MS < r.oldest || s.Events > r.Events || s.Bytes > r.Bytes
}

// take deletes pieces from the oldest on, as long as gone says so. Where the
// pages can't be changed the topic is set aside instead.
func (r *retention) take(s *Store, t *cut, gone func(eventlog.State, piece) bool) error {
	for len(t.after.aside) > 0 {
		a := t.after.aside[0]
		p := piece{a.last, a.events, a.bytes, true}
		if !gone(t.after.State, p) {
			return nil
		}
		r.drop(t, p)
		t.after.aside = t.after.aside[1:]
	}
	err := s.check(r.guard, t.change, false, func(b bucket) error {
		t.after.Oldest = eventlog.ID{}
		err := r.guard.all(b, func(leaf page) (bool, error) { return r.leaf(t, leaf, gone) })
		if err == nil && t.after.Oldest.IsZero() {
			r.drop(t, piece{id: t.after.Last, bytes: t.after.Bytes})
			err = t.after.wantEmpty()
		}
		return err
	})
	if t.aside != nil {
		r.total += t.bytes
	}
	return err
}

// leaf takes what is gone from one leaf, and returns false where something
// stays.
func (r *retention) leaf(t *cut, leaf page, gone func(eventlog.State, piece) bool) (bool, error) {
	if err := leaf.of(scopeOf(t.name)); err != nil {
		return false, err
	}
	full := r.full() // what was read is used up, whatever becomes of it below
	for i := range leaf.count() {
		e, _ := leaf.element(i)
		if len(e.key) != idLen || e.flags != 0 {
			return false, errPage
		}
		p := piece{readID(e.key), 1, int64(max(len(e.value)-recordHead, 0)), false}
		if !t.after.Trimmed.Less(p.id) {
			continue // taken before
		}
		if full || r.left == 0 || !gone(t.after.State, p) {
			t.after.Oldest = p.id
			return false, nil
		}
		r.drop(t, p)
		t.deletes = append(t.deletes, appendID(nil, p.id))
		r.left--
	}
	return true, nil
}

func (r *retention) drop(t *cut, p piece) {
	t.after.Events -= p.events
	t.after.Bytes -= p.bytes
	t.after.Trimmed = p.id
	t.bytes += p.bytes
	r.total -= p.bytes
}
