package boltlog

import (
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// keyChange is what a batch does to the idempotency keys: it adds some, or
// deletes from the front.
type keyChange struct {
	added   []*request // with a key that was not remembered, rising
	firsts  map[[16]byte]*request
	repeats []repeat
	deletes [][]byte    // keys of the bucket
	trimmed eventlog.ID // nothing at or below stays; zero: nothing is known of that
	aside   *aside      // the bucket until now, where that can't be changed any more
}

// repeat is a request with the key of another in its batch. It waits for what
// becomes of that.
type repeat struct{ request, first *request }

func (k *keyChange) any() bool { return len(k.added) > 0 || len(k.deletes) > 0 || k.aside != nil }

// answered answers a request whose key is remembered, and reports whether it
// needs no place of its own in the batch.
func (s *Store) answered(b *batch, r *request) bool {
	if old, ok := s.keys.Find(r.key.Key, s.clock.Time()); ok {
		var err error
		r.receipt, err = old.Answer(r.key.Fingerprint)
		r.answer <- err
		return true
	}
	first, ok := b.keys.firsts[r.key.Key]
	if ok {
		b.keys.repeats = append(b.keys.repeats, repeat{r, first})
	}
	return ok
}

// add takes up a request with a key that has got its id.
func (k *keyChange) add(r *request) {
	if k.firsts == nil {
		k.firsts = map[[16]byte]*request{}
	}
	r.key.ID = r.receipt.ID
	k.firsts[r.key.Key] = r
	k.added = append(k.added, r)
}

// answer answers the repeats, when the batch is committed or has failed.
func (k *keyChange) answer(err error) {
	for _, r := range k.repeats {
		answer := err
		if err == nil {
			r.request.receipt, answer = r.first.key.Answer(r.request.key.Fingerprint)
		}
		r.request.answer <- answer
	}
}

// put does it in the file.
func (k *keyChange) put(tx *bbolt.Tx, asides *bbolt.Bucket) error {
	if !k.any() {
		return nil
	}
	if k.aside != nil {
		if err := k.moveAside(tx, asides); err != nil {
			return err
		}
	}
	b := tx.Bucket([]byte(keysName))
	b.FillPercent = 1 // ids only rise
	for _, key := range k.deletes {
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	for _, r := range k.added {
		if err := b.Put(sealKey(r.key)); err != nil {
			return err
		}
	}
	return nil
}

// moveAside has the keys go on in a fresh bucket. It touches none of the pages
// of the one before.
func (k *keyChange) moveAside(tx *bbolt.Tx, asides *bbolt.Bucket) error {
	to, err := asides.CreateBucketIfNotExists(k.aside.key(""))
	if err == nil {
		err = tx.MoveBucket([]byte(keysName), nil, to)
	}
	if err == nil {
		_, err = tx.CreateBucket([]byte(keysName))
	}
	return err
}

// remember takes over what a batch has committed of keys.
func (s *Store) remember(k *keyChange) {
	if !k.trimmed.IsZero() {
		s.keysTrimmed = k.trimmed
	}
	if k.aside != nil {
		s.keyAsides++
	}
	if len(k.added) == 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range k.added {
		s.keys.Add(*r.key)
	}
}

// Keys returns what is remembered of idempotency keys.
func (s *Store) Keys() eventlog.KeyStats {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.keys.Stats()
}

// guardKeys verifies the pages that adding keys is going to change.
func (s *Store) guardKeys(g *guard, k *keyChange) error {
	if len(k.added) == 0 {
		return nil
	}
	if err := g.keysEnd(k.added[0].key.ID); err != nil {
		return s.setKeysAside(g, k, err)
	}
	return nil
}

// keysEnd verifies the way to the end of the keys, which a new one exceeds.
func (g *guard) keysEnd(next eventlog.ID) error {
	leaf, err := g.path(g.keys, maxKey, false)
	if err != nil || leaf.count() == 0 {
		return err
	}
	if e, _ := leaf.element(leaf.count() - 1); len(e.key) != idLen || !readID(e.key).Less(next) {
		return fmt.Errorf("%w: a key beyond the end", errDamaged)
	}
	return leaf.ofKeys()
}

// ofKeys verifies that a leaf is one of the keys, as page.of does.
func (p page) ofKeys() error {
	proved := p.count() == 0
	for i := range p.count() {
		e, _ := p.element(i)
		if len(e.key) != idLen || e.flags != 0 {
			return errPage
		}
		if !proved {
			_, err := openKey(e.key, e.value)
			proved = err == nil
		}
	}
	if !proved {
		return fmt.Errorf("%w: a page of other records", errDamaged)
	}
	return nil
}

// setKeysAside has the keys go on in a fresh bucket, since the one that they
// are in can't be changed any more. What was read of them stays remembered.
func (s *Store) setKeysAside(g *guard, k *keyChange, cause error) error {
	k.aside, k.deletes = s.keysAside(), nil
	s.damaged("", fmt.Errorf("the idempotency keys are set aside: %w", cause))
	if _, err := g.path(g.aside, k.aside.key(""), false); err != nil {
		return fmt.Errorf("%w: %w", errDamaged, err)
	}
	return nil
}

// keysAside describes the bucket until now. It ends where memory does: the
// clock may be at ids that go to the fresh one already.
func (s *Store) keysAside() *aside {
	s.asides = true
	return &aside{last: s.keys.Last(), events: int64(s.keyAsides)} // so that no two are the same
}

// expireKeys forgets keys in memory, and reports whether there is more to do.
func (s *Store) expireKeys() (more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.keys.Expire(s.clock.Time())
}

// cutKeys decides which keys are deleted from the file: those that are
// forgotten in memory, a part at a time.
func (s *Store) cutKeys(g *guard, k *keyChange) error {
	floor := s.keys.Floor()
	if !s.keysTrimmed.Less(floor) {
		return nil
	}
	k.trimmed = floor
	stays := false // something does
	err := g.all(g.keys, func(leaf page) (bool, error) {
		if err := leaf.ofKeys(); err != nil || stays {
			return false, err // it was looked at because bbolt may merge it
		}
		for i := range leaf.count() {
			e, _ := leaf.element(i)
			if stays = floor.Less(readID(e.key)); stays {
				break
			}
			if stays = len(k.deletes) == retainEvents; stays {
				k.trimmed = readID(k.deletes[len(k.deletes)-1])
				break
			}
			k.deletes = append(k.deletes, e.key)
		}
		return true, nil
	})
	if err != nil {
		k.trimmed = floor
		return s.setKeysAside(g, k, err)
	}
	return nil
}
