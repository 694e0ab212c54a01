package boltlog

import (
	"errors"
	"fmt"
	"os"

	"go.etcd.io/bbolt"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// loadKeys takes up the keys in the file that are above those known. What
// can't be read is forgotten and reported: it costs no more than that a
// publish which is tried once more may be committed twice.
func (s *Store) loadKeys(all *survey) error {
	s.keyAsides = len(all.keyAsides)
	s.keysTrimmed = eventlog.ID{}
	oldest := uint64(0)
	if age := s.options.Keys.Age; age > 0 {
		oldest = uint64(max(s.clock.Time().Add(-age).UnixMilli(), 0))
	}
	return s.view(func(v snapshot) error {
		l := &keyLoad{store: s}
		l.walk = walk{pages: v.pages, damaged: func(error) {}}
		for _, a := range all.keyAsides { // their damage was reported then
			if a.last.MS >= oldest && s.keys.Last().Less(a.last) {
				l.take(a.last, v.root, []byte(asideName), a.key(""), []byte(keysName))
			}
		}
		l.walk.damaged = l.damaged
		if all.keys != nil {
			l.take(all.meta.clock, v.root, []byte(keysName))
		}
		if len(l.damage) > 0 {
			s.damaged("", fmt.Errorf("some idempotency keys are lost: %w", errors.Join(l.damage...)))
		}
		return nil
	})
}

// keyLoad reads keys as far as they prove themselves.
type keyLoad struct {
	store  *Store
	walk   walk
	damage []error // the first few
}

func (l *keyLoad) damaged(err error) {
	if len(l.damage) < 4 {
		l.damage = append(l.damage, err)
	}
}

// take takes up what is in one bucket, and nothing above until: damage may lead
// to a page of a later bucket, whose other keys would then be taken for known,
// or to one that was never committed.
func (l *keyLoad) take(until eventlog.ID, b bucket, path ...[]byte) {
	for _, name := range path {
		var ok bool
		if b, ok = l.walk.bucket(b, name); !ok {
			l.walk.damaged(fmt.Errorf("bucket %q is missing", name))
			return
		}
	}
	s := l.store
	start := s.keys.Last()
	l.walk.seek(b, appendID(nil, start))
	s.mu.Lock()
	defer s.mu.Unlock()
	for e, ok := l.walk.next(); ok; e, ok = l.walk.next() {
		k, err := openKey(e.key, e.value)
		switch {
		case err != nil:
			l.walk.damaged(fmt.Errorf("key %x: %w", e.key, err))
		case until.Less(k.ID):
			l.walk.damaged(fmt.Errorf("key %x: beyond the end: %w", e.key, errDamaged))
		case s.keys.Last().Less(k.ID):
			s.keys.Add(k)
		case start.Less(k.ID):
			l.walk.damaged(fmt.Errorf("key %x: out of order: %w", e.key, errDamaged))
		}
	}
}

// newKeys gives the file a fresh bucket of keys: it has none, since an earlier
// release wrote it, or has one that can't be used, as cause says.
func (s *Store) newKeys(cause error) error {
	if cause == nil {
		return s.update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket([]byte(keysName))
			return err
		})
	}
	k := keyChange{aside: s.keysAside()}
	s.damaged("", fmt.Errorf("the idempotency keys are set aside: %w", cause))
	err := s.update(func(tx *bbolt.Tx) error { return k.put(tx, tx.Bucket([]byte(asideName))) })
	s.remember(&k)
	return err
}

// checkKeys looks whether the keys can be changed. Where bbolt is going to
// walk through them whatever they hold, for there is no list of free pages,
// and they can't be walked through, they are emptied in the file.
func (v *verifier) checkKeys(file *os.File, used claims, b bucket, walked bool) (damage, err error) {
	again := used.has(b.root)
	damage = v.all(b, func(leaf page) (bool, error) { return true, leaf.ofKeys() })
	if damage == nil || !walked {
		return damage, nil
	}
	if again || b.root < 2 || b.root >= v.end { // then something that all share is damaged
		return nil, damage
	}
	return fmt.Errorf("all of them are forgotten: %w", damage), emptyPage(file.Name(), b.root, v.pages.size)
}

// emptyPage makes a page of a file a leaf without elements, in place.
func emptyPage(path string, id uint64, pageSize int) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	head := native.AppendUint64(nil, id)
	head = native.AppendUint16(head, leafFlag)
	head = append(head, make([]byte, pageHead-len(head))...)
	if _, err := file.WriteAt(head, int64(id)*int64(pageSize)); err != nil {
		return err
	}
	return file.Sync()
}
