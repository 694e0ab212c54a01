package boltlog

import (
	"context"
	"errors"
	"fmt"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// Read implements [eventlog.Store]. It is one transaction, so visit must not
// wait for anything.
func (s *Store) Read(ctx context.Context, name string, after, until eventlog.ID, visit func(eventlog.Event) bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// What is known is at most as new as the transaction, so that nothing of
	// it is missed there.
	t := s.topic(name)
	switch {
	case t == nil && after.Less(until):
		return &eventlog.GapError{Topic: name, After: after, Through: until, Cause: eventlog.Expired}
	case t == nil:
		return nil
	case after.Less(t.Trimmed):
		return &eventlog.GapError{Topic: name, After: after, Through: t.Trimmed, Cause: eventlog.Expired}
	case t.Last.Less(until):
		until = t.Last
	}
	if !after.Less(until) {
		return nil
	}
	r := reading{name: name, topic: t, at: after, until: until, visit: visit}
	err := s.view(func(v snapshot) error { return r.page(ctx, v) })
	if gap := (*eventlog.GapError)(nil); errors.As(err, &gap) && gap.Cause == eventlog.Damaged {
		s.damaged(name, fmt.Errorf("%w: %w", gap, errors.Join(r.damage...)))
	}
	return err
}

func (s *Store) topic(name string) *topic {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.topics[name]
}

// damaged reports what was found.
func (s *Store) damaged(topic string, err error) {
	s.suspect.Store(true)
	s.options.OnDamage(topic, err)
}

// reading is one call of Read.
type reading struct {
	name  string
	topic *topic
	until eventlog.ID
	visit func(eventlog.Event) bool

	at     eventlog.ID // everything at or below was visited
	any    bool        // whether something was
	damage []error     // what was met on the way
}

// page visits records as long as each is the one that follows the last. What
// lies between is passed over: that a record is missing shows in the next
// good one, or at the end.
func (r *reading) page(ctx context.Context, v snapshot) error {
	it := v.records(r.name, r.topic, r.at)
	defer func() { r.damage = it.damage }()
	for {
		rec, ok := it.next()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !ok:
			return r.gap(v, r.until)
		case r.at.Less(rec.prev):
			return r.gap(v, rec.prev)
		case r.until.Less(rec.id):
			return nil
		case !r.visit(eventlog.Event{ID: rec.id, Body: rec.body}):
			return nil
		}
		r.at, r.any = rec.id, true
		if r.at == r.until {
			return nil
		}
	}
}

// gap reports that nothing follows at or below a position, unless something
// was visited before: then the next call will.
func (r *reading) gap(v snapshot, through eventlog.ID) error {
	if r.any {
		return nil
	}
	if r.until.Less(through) {
		through = r.until
	}
	cause := eventlog.Damaged
	if v.trimmed(r.name, through) {
		cause = eventlog.Expired
	}
	return &eventlog.GapError{Topic: r.name, After: r.at, Through: through, Cause: cause}
}

// trimmed reports whether retention has passed a position: what the store
// knew when the reading began may be older than the transaction.
func (v snapshot) trimmed(name string, at eventlog.ID) bool {
	whole := true
	w := walk{pages: v.pages, damaged: func(error) { whole = false }}
	states, ok := w.bucket(v.root, []byte(statesName))
	if !ok {
		return false
	}
	e, ok := w.get(states, []byte(name))
	if !ok {
		return whole // it was forgotten in between
	}
	s, err := openState(name, e.value)
	return err == nil && !s.Trimmed.Less(at)
}

// records iterates over a topic's records that prove themselves, rising.
type records struct {
	topic  scope
	at     eventlog.ID // below the next record
	key    []byte
	walk   walk
	parts  []bucket // that are still to be read
	damage []error  // the first few
}

// records begins at what follows a position.
func (v snapshot) records(name string, t *topic, after eventlog.ID) *records {
	it := &records{topic: scopeOf(name), at: after, key: appendID(nil, after)}
	it.walk = walk{pages: v.pages, damaged: it.damaged}
	for _, a := range t.aside {
		if after.Less(a.last) {
			it.add(v, []byte(asideName), a.key(name), []byte(name))
		}
	}
	it.add(v, []byte(topicsName), []byte(name))
	it.part()
	return it
}

func (it *records) add(v snapshot, path ...[]byte) {
	b := v.root
	for _, name := range path {
		var ok bool
		if b, ok = it.walk.bucket(b, name); !ok {
			it.damaged(fmt.Errorf("bucket %q is missing", name))
			return
		}
	}
	it.parts = append(it.parts, b)
}

// part goes on with the next part.
func (it *records) part() bool {
	if len(it.parts) == 0 {
		return false
	}
	it.walk.seek(it.parts[0], it.key)
	it.parts = it.parts[1:]
	return true
}

func (it *records) damaged(err error) {
	if len(it.damage) < 4 {
		it.damage = append(it.damage, err)
	}
}

// next returns the next record; its body holds until the next call.
func (it *records) next() (record, bool) {
	for {
		e, ok := it.walk.next()
		if !ok {
			if it.part() {
				continue
			}
			return record{}, false
		}
		if len(e.key) == idLen && !it.at.Less(readID(e.key)) {
			continue
		}
		r, err := openRecord(it.topic, e.key, e.value)
		if err != nil {
			it.damaged(fmt.Errorf("record %x: %w", e.key, err))
			continue
		}
		it.at = r.id
		return r, true
	}
}
