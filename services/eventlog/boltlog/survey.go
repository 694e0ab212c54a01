package boltlog

import (
	"bytes"
	"fmt"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// The buckets in the root of the file.
const (
	metaName   = "meta"
	statesName = "states"
	topicsName = "topics"
	asideName  = "aside"
)

// survey is everything in a file but the records.
type survey struct {
	fresh  bool // nothing was ever written
	meta   meta
	states map[string]eventlog.State
	topics map[string]bucket
	aside  map[string][]aside // what may still be read of them
	asides int                // all that there are
}

// survey reads what is needed to start, and verifies it.
func (v *verifier) survey(root uint64) (*survey, error) {
	all := &survey{
		states: map[string]eventlog.State{},
		topics: map[string]bucket{},
		aside:  map[string][]aside{},
	}
	roots, err := v.buckets(bucket{root: root})
	if err != nil {
		return nil, err
	}
	if len(roots) == 0 && v.fresh {
		all.fresh = true
		return all, nil
	}
	for _, name := range []string{metaName, statesName, topicsName, asideName} {
		if _, ok := roots[name]; !ok || len(roots) != 4 {
			return nil, fmt.Errorf("not a file of this store: %w", errDamaged)
		}
	}
	seen := false
	if err := v.all(roots[metaName], each(func(e elem) error { seen = true; return all.addMeta(e) })); err != nil {
		return nil, err
	}
	if !seen {
		return nil, fmt.Errorf("the clock is missing: %w", errDamaged)
	}
	if err := v.all(roots[statesName], each(all.addState)); err != nil {
		return nil, err
	}
	if all.topics, err = v.buckets(roots[topicsName]); err != nil {
		return nil, err
	}
	for name := range all.topics {
		if _, ok := all.states[name]; !ok {
			return nil, fmt.Errorf("topic %q has no state: %w", name, errDamaged)
		}
	}
	for name := range all.states {
		if _, ok := all.topics[name]; !ok {
			return nil, fmt.Errorf("topic %q is missing: %w", name, errDamaged)
		}
	}
	return all, v.all(roots[asideName], each(all.addAside))
}

// buckets returns the buckets in a bucket that holds nothing else.
func (v *verifier) buckets(in bucket) (map[string]bucket, error) {
	found := map[string]bucket{}
	err := v.all(in, each(func(e elem) error {
		b, err := openBucket(e.value)
		if err != nil || e.flags != bucketFlag {
			return fmt.Errorf("bucket %q: %w", e.key, errPage)
		}
		found[string(e.key)] = b
		return nil
	}))
	return found, err
}

func (all *survey) addMeta(e elem) (err error) {
	if !bytes.Equal(e.key, metaKey) || e.flags != 0 {
		return errDamaged
	}
	all.meta, err = openMeta(e.value)
	return err
}

func (all *survey) addState(e elem) error {
	name := string(e.key)
	s, err := openState(name, e.value)
	if err == nil && (e.flags != 0 || !eventlog.ValidTopic(name)) {
		err = errDamaged
	}
	if err != nil {
		return fmt.Errorf("the state of topic %q: %w", name, err)
	}
	all.states[name] = s
	return nil
}

// addAside takes up what readers may still want. It only looks at the key.
func (all *survey) addAside(e elem) error {
	name, a, ok := splitAsideKey(e.key)
	if !ok || e.flags != bucketFlag {
		return fmt.Errorf("bucket %q: %w", e.key, errPage)
	}
	all.asides++
	if s, ok := all.states[name]; ok && s.Trimmed.Less(a.last) {
		all.aside[name] = append(all.aside[name], a)
	}
	return nil
}
