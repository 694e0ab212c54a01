package pebblelog

import (
	"context"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/stored"
)

// Read implements [eventlog.Store]. What it visits is that of one moment, and
// the iterator does not outlive it: visit must not wait for anything.
func (s *Store) Read(ctx context.Context, name string, after, until eventlog.ID, visit func(eventlog.Event) bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	// What is known is at most as new as the iterator, so that nothing of it is
	// missed there.
	t, ok := s.known(name)
	if after.IsZero() {
		after = t.Born
	}
	switch {
	case !ok && after.Less(until):
		return &eventlog.GapError{Topic: name, After: after, Through: until, Cause: eventlog.Expired}
	case !ok:
		return nil
	case after.Less(t.Trimmed):
		return &eventlog.GapError{Topic: name, After: after, Through: t.Trimmed, Cause: eventlog.Expired}
	case t.Last.Less(until):
		until = t.Last
	}
	if !after.Less(until) {
		return nil
	}
	r := reading{store: s, name: name, at: after, until: until, visit: visit}
	err := r.page(ctx, t.Last)
	if gap := (*eventlog.GapError)(nil); errors.As(err, &gap) && gap.Cause == eventlog.Damaged {
		s.options.OnDamage(name, errors.Join(append([]error{gap}, r.damage...)...))
	}
	return err
}

// reading is one call of Read.
type reading struct {
	store *Store
	name  string
	until eventlog.ID
	visit func(eventlog.Event) bool

	at     eventlog.ID // everything at or below was visited
	any    bool        // whether something was
	damage []error     // what was met on the way, the first few
}

// page visits records as long as each is the one that follows the last. What
// can't be read is passed over: that a record is missing shows in the next good
// one, be it above until, or at the topic's end.
func (r *reading) page(ctx context.Context, last eventlog.ID) error {
	it, err := r.store.records(r.name, r.at, last)
	if err != nil {
		return failed(err)
	}
	defer it.close()
	for {
		ok, err := it.next()
		r.damage = it.damage
		switch {
		case err != nil:
			return failed(err)
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !ok:
			return r.gap(r.until)
		case r.at.Less(it.place.Prev):
			return r.gap(it.place.Prev)
		case r.until.Less(it.event.ID):
			return nil
		case !r.visit(it.event):
			return nil
		}
		r.at, r.any = it.event.ID, true
		if r.at == r.until {
			return nil
		}
	}
}

// gap reports that nothing follows at or below a position, unless something
// was visited before: then the next call will.
func (r *reading) gap(through eventlog.ID) error {
	if r.any {
		return nil
	}
	if r.until.Less(through) {
		through = r.until
	}
	cause := eventlog.Damaged
	// Retention may have taken it since Read began.
	if t, ok := r.store.known(r.name); !ok || !t.cut.Less(through) {
		cause = eventlog.Expired
	}
	return &eventlog.GapError{Topic: r.name, After: r.at, Through: through, Cause: cause}
}

// known is what readers know of a topic.
type known struct {
	eventlog.State
	gone count       // until Trimmed
	cut  eventlog.ID // what retention is about to take; not less than Trimmed
}

func (s *Store) known(name string) (known, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	k, ok := s.topics[name]
	return k, ok
}

// records iterates over a topic's records that prove themselves, rising.
type records struct {
	db     *pebble.DB
	scope  stored.Scope
	it     *pebble.Iterator
	upper  []byte
	last   []byte // the key before
	moved  bool   // the iterator stands at a record that was not looked at
	event  eventlog.Event
	place  stored.Place
	damage []error
}

// records begins behind one position, and ends with another.
func (s *Store) records(name string, after, through eventlog.ID) (*records, error) {
	r := &records{db: s.db, scope: stored.ScopeOf(name), upper: next(eventKey(name, through))}
	return r, r.seek(next(eventKey(name, after)))
}

func (r *records) close() {
	if r.it != nil {
		_ = r.it.Close() // what it has to say was said
	}
}

// seek begins at a key, or at the first behind it that can be read.
func (r *records) seek(lower []byte) (err error) {
	r.close()
	if r.it, err = r.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: r.upper}); err != nil {
		return err
	}
	r.moved = r.it.First()
	return r.pass(lower)
}

// pass passes over what can't be read at or behind a key.
func (r *records) pass(at []byte) error {
	err := r.it.Error()
	if err == nil {
		return nil
	}
	if !damaged(err) {
		return err
	}
	r.damaged(err)
	lower, ok, err := readable(r.db, at, r.upper)
	if err != nil {
		return err
	}
	if !ok {
		r.close()
		r.it, r.moved = nil, false
		return nil
	}
	return r.seek(lower)
}

// next moves on to the next record, which holds until the next call.
func (r *records) next() (ok bool, err error) {
	for r.it != nil {
		if !r.moved {
			r.last = append(r.last[:0], r.it.Key()...)
			if !r.it.Next() {
				if r.it.Error() == nil {
					return false, nil
				}
				if err := r.pass(next(r.last)); err != nil {
					return false, err
				}
				continue
			}
		}
		r.moved = false
		if !r.it.Valid() {
			return false, nil
		}
		if ok, err := r.read(); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}

// read reads the record that the iterator stands at; false: it does not prove
// itself.
func (r *records) read() (ok bool, err error) {
	key := r.it.Key()
	value, err := r.it.ValueAndErr()
	if err == nil {
		r.place, err = r.scope.Read(key[max(len(key)-stored.IDLen, 0):], value, &r.event)
	}
	switch {
	case err == nil:
		r.event.Number = r.place.Events
		return true, nil
	case errors.Is(err, stored.ErrNewer), !damaged(err):
		return false, err
	}
	r.damaged(fmt.Errorf("record %x: %w", key, err))
	return false, nil
}

func (r *records) damaged(err error) {
	if len(r.damage) < 4 {
		r.damage = append(r.damage, err)
	}
}

// damaged reports whether an error says that what was read is not what was
// written, and not that it could not be read.
func damaged(err error) bool {
	return pebble.IsCorruptionError(err) || errors.Is(err, stored.ErrDamaged)
}
