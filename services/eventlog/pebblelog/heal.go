package pebblelog

import (
	"bytes"
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
	for lower, upper := info.Bounds.Start, next(info.Bounds.End.Key); lower != nil; {
		hole, err := s.hole(lower, upper)
		if err == nil && hole != nil {
			err = s.excise(hole)
		}
		if err != nil {
			s.options.OnDamage("", fmt.Errorf("damage in the database can't be taken out: %w", err))
			return
		}
		if lower = nil; hole != nil {
			s.options.OnDamage("", fmt.Errorf("what can't be read between %q and %q was taken out of the database: %w", hole.from, hole.through, cause))
			lower = hole.through
		}
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

// hole is a range of keys in which some can't be read.
type hole struct {
	from, through []byte
	kept          []pair // those in it that can
}

type pair struct{ key, value []byte }

// hole finds the first keys in a range that can't be read, by reading all
// before them; nil: all can.
func (s *Store) hole(lower, upper []byte) (*hole, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: upper})
	if err != nil {
		return nil, err
	}
	var before []pair // the last ones
	at := lower
	for ok := it.First(); ok; ok = it.Next() {
		var value []byte
		if value, err = it.ValueAndErr(); err != nil {
			break
		}
		if len(before) == holeKeys {
			before = append(before[:0], before[holeKeys/2:]...)
		}
		before = append(before, pair{bytes.Clone(it.Key()), bytes.Clone(value)})
		at = next(before[len(before)-1].key)
	}
	if closing := it.Close(); err == nil {
		err = closing
	}
	if err == nil || !damaged(err) {
		return nil, err
	}
	h := &hole{through: upper}
	if key, ok, err := readable(s.db, at, upper); err != nil {
		return nil, err
	} else if ok {
		h.through = key
	}
	h.from, h.kept, err = s.edge(lower, before)
	return h, err
}

// holeKeys is how many keys before a hole may belong to it.
const holeKeys = 512

// edge finds where a hole has to begin: with a key in front of which every
// table can be read backwards, as the database does to learn where the rest of a
// table ends. The keys from there on have to be written anew.
func (s *Store) edge(lower []byte, before []pair) (from []byte, kept []pair, err error) {
	for i := len(before) - 1; i >= 0; i-- {
		it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: lower, UpperBound: before[i].key})
		if err != nil {
			return nil, nil, err
		}
		it.Last()
		if err = it.Close(); err == nil {
			return before[i].key, before[i:], nil
		} else if !damaged(err) {
			return nil, nil, err
		}
	}
	return lower, before, nil
}

// excise takes a hole out of the database, and writes anew what of it can be
// read.
func (s *Store) excise(h *hole) error {
	if err := s.db.Excise(context.Background(), pebble.KeyRange{Start: h.from, End: h.through}); err != nil {
		return err
	}
	if len(h.kept) == 0 {
		return nil
	}
	g := s.newGroup()
	for _, p := range h.kept {
		g.set(s, p.key, p.value)
	}
	s.apply(g)
	s.settle()
	return nil
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
