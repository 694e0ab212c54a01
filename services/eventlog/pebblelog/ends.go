package pebblelog

import (
	"github.com/cockroachdb/pebble/v2"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/stored"
	"github.com/sluice-stream/sluice/services/wire"
)

// records reads the first record and the last one of each topic. It goes from
// topic to topic in the records, so that it finds one of which nothing else is
// left.
func (l *load) records() error {
	upper := []byte{eventKind + 1}
	for at := []byte{eventKind}; ; {
		name, next, err := l.nextTopic(at, upper)
		if err != nil || name == "" {
			return err
		}
		if err := l.ends(name); err != nil {
			return err
		}
		at = next
	}
}

// nextTopic returns the topic of the first record at or behind a key, and the
// end of its records; no name: there is none.
func (l *load) nextTopic(at, upper []byte) (name string, end []byte, err error) {
	for {
		it, err := l.store.db.NewIter(&pebble.IterOptions{LowerBound: at, UpperBound: upper})
		if err != nil {
			return "", nil, err
		}
		found := it.First()
		if found {
			at = append([]byte(nil), it.Key()...)
		}
		err = it.Close()
		if name, ok := topicOf(at); found && ok {
			return name, behind(eventsOf(name)), nil
		}
		switch {
		case found: // no key of a record
			at = next(at)
		case err == nil:
			return "", nil, nil
		case !damaged(err):
			return "", nil, err
		default:
			l.lostRecords = true
			l.damaged("", "the database", err)
			if at, found, err = readable(l.store.db, at, upper); err != nil || !found {
				return "", nil, err
			}
		}
	}
}

// ends reads a topic's first record and its last one.
func (l *load) ends(name string) error {
	s := l.store
	l.seen[name] = true
	t := s.planned[name]
	if t == nil {
		l.damaged(name, "what is stored of the topic is found by its records alone", stored.ErrDamaged)
	}
	last, whole, err := s.last(name)
	if err != nil {
		return err
	}
	if !whole && last.event.ID.IsZero() {
		l.raised = append(l.raised, name)
		return nil
	}
	if t == nil {
		t = newTopic(name)
		s.planned[name] = t
		if err := l.begin(name, t, last.event.ID); err != nil {
			return err
		}
	}
	if !t.Last.Less(last.event.ID) { // it was raised above it, and nothing followed
		t.end = count{max(last.place.Events, t.end.events), max(last.place.Bytes, t.end.bytes)}
	} else {
		t.Last, t.end = last.event.ID, count{last.place.Events, last.place.Bytes}
		if last.event.Kind == eventlog.KindEnd {
			t.Ended = t.Last
		}
	}
	s.given(t.Last)
	if !whole {
		l.raised = append(l.raised, name)
	}
	return l.oldest(name, t)
}

// begin takes the beginning of a topic from its first record.
func (l *load) begin(name string, t *topic, last eventlog.ID) error {
	it, err := l.store.records(name, eventlog.ID{}, last)
	if err != nil {
		return err
	}
	defer it.close()
	if ok, err := it.next(); !ok {
		return err
	}
	p := it.place
	t.Born, t.Trimmed = p.Prev, p.Prev
	t.gone = count{p.Events - 1, p.Bytes - uint64(p.Size)}
	return nil
}

// oldest finds a topic's oldest event.
func (l *load) oldest(name string, t *topic) error {
	if t.end == t.gone {
		return nil
	}
	t.Oldest = t.Trimmed // or it is as old as what is gone, where none can be read
	it, err := l.store.records(name, t.Trimmed, t.Last)
	if err != nil {
		return err
	}
	defer it.close()
	ok, err := it.next()
	if ok {
		t.Oldest = it.event.ID
	}
	return err
}

// ending is the last record of a topic that can be read.
type ending struct {
	event eventlog.Event
	place stored.Place
}

// last returns a topic's last record; not whole: something behind it can't be
// read.
func (s *Store) last(name string) (e ending, whole bool, err error) {
	lower, upper := eventsOf(name), behind(eventsOf(name))
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return e, false, err
	}
	if it.Last() {
		var value []byte
		if value, err = it.ValueAndErr(); err == nil {
			key := it.Key()
			e.place, err = stored.ScopeOf(name).Read(key[max(len(key)-stored.IDLen, 0):], value, &e.event)
		}
	}
	if closing := it.Close(); err == nil {
		err = closing
	}
	if err == nil {
		return e, true, nil
	}
	if !damaged(err) {
		return e, false, err
	}
	return s.lastReadable(name)
}

// lastReadable reads all of a topic to find its last record that can be read.
func (s *Store) lastReadable(name string) (e ending, whole bool, err error) {
	it, err := s.records(name, eventlog.ID{}, wire.MaxID)
	if err != nil {
		return e, false, err
	}
	defer it.close()
	for {
		ok, err := it.next()
		if !ok {
			return e, false, err
		}
		e.event.ID, e.event.Kind, e.place = it.event.ID, it.event.Kind, it.place
	}
}
