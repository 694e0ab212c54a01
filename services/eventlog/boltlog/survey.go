package boltlog

import (
	"bytes"
	"fmt"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// The buckets in the root of the file.
const (
	metaName   = "meta"
	statesName = "states"
	topicsName = "topics"
	asideName  = "aside"
	keysName   = "keys" // may be missing: the first files had none
)

// survey is everything in a file but the records and the keys.
type survey struct {
	fresh  bool // nothing was ever written
	meta   meta
	states map[string]eventlog.State
	topics map[string]bucket
	aside  map[string][]aside // what may still be read of them
	asides int                // all that there are

	keys      *bucket // nil: missing
	keyAsides []aside // earlier ones, rising
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
	if all.keys, err = own(roots); err != nil {
		return nil, err
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

// own verifies that a file has the buckets of this store, and returns the keys.
func own(roots map[string]bucket) (keys *bucket, err error) {
	want := 4
	if b, ok := roots[keysName]; ok {
		keys, want = &b, 5
	}
	for _, name := range []string{metaName, statesName, topicsName, asideName} {
		if _, ok := roots[name]; !ok || len(roots) != want {
			return nil, fmt.Errorf("not a file of this store: %w", errDamaged)
		}
	}
	return keys, nil
}

// buckets returns the buckets in a bucket that holds nothing else.
func (v *verifier) buckets(in bucket) (map[string]bucket, error) {
	found := map[string]bucket{}
	err := v.eachBucket(in, func(name []byte, b bucket) { found[string(name)] = b })
	return found, err
}

func (v *verifier) eachBucket(in bucket, f func(name []byte, b bucket)) error {
	return v.all(in, each(func(e elem) error {
		b, err := openBucket(e.value)
		if err != nil || e.flags != bucketFlag {
			return fmt.Errorf("bucket %q: %w", e.key, errPage)
		}
		f(e.key, b)
		return nil
	}))
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
	if err == nil && (e.flags != 0 || !wire.ValidTopic(name)) {
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
	if name == "" { // no topic's
		all.keyAsides = append(all.keyAsides, a)
	}
	if s, ok := all.states[name]; ok && s.Trimmed.Less(a.last) {
		all.aside[name] = append(all.aside[name], a)
	}
	return nil
}
