package pebblelog

import (
	"context"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// heal takes what can't be read out of the database, after a compaction has
// met it: it could never be compacted, and what is written above it would pile
// up until nothing can be written. Readers are told of the gap, as before.
func (s *Store) heal(cause error) {
	info := pebble.ExtractDataCorruptionInfo(cause)
	if info == nil || s.failure() != nil {
		return
	}
	s.settle()
	lower, upper := info.Bounds.Start, next(info.Bounds.End.Key)
	for {
		from, through, found, err := s.unreadable(lower, upper)
		if err == nil && found {
			err = s.db.Excise(context.Background(), pebble.KeyRange{Start: from, End: through})
		}
		if err != nil {
			s.options.OnDamage("", fmt.Errorf("damage in the database can't be taken out: %w", err))
			return
		}
		if !found {
			break
		}
		s.options.OnDamage("", fmt.Errorf("what can't be read between %q and %q was taken out of the database: %w", from, through, cause))
		lower = through
	}
	s.rewrite()
}

// settle waits until all that was handed over is on the disk and known.
func (s *Store) settle() {
	g := s.newGroup()
	g.step = &step{done: make(chan struct{})}
	s.flying <- g
	<-g.step.done
}

// unreadable finds the first keys in a range that can't be read, by reading all
// before them.
func (s *Store) unreadable(lower, upper []byte) (from, through []byte, found bool, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, nil, false, err
	}
	from = lower
	for ok := it.First(); ok; ok = it.Next() {
		from = append(from[:0:0], it.Key()...)
		from = append(from, 0)
	}
	if err = it.Close(); err == nil || !damaged(err) {
		return nil, nil, false, err
	}
	through, ok, err := readable(s.db, from, upper)
	if !ok {
		through = upper
	}
	return from, through, true, err
}

// rewrite writes anew what the store knows by heart, as some of it may have
// been in what was taken out.
func (s *Store) rewrite() {
	g := s.newGroup()
	s.putMeta(g)
	for name, t := range s.planned {
		key := topicKey(name)
		g.set(s, key, sealTopic(key, t))
	}
	for k := range s.keys.All() {
		key := onceKey(k.ID)
		g.set(s, key, sealOnce(key, k))
	}
	s.apply(g)
}
