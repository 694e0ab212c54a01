package eventlog

import (
	"crypto/sha256"
	"iter"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// KeyOptions say how long a store remembers idempotency keys. The zero value
// keeps them for good.
type KeyOptions struct {
	// Age is how long a key is remembered, from the milliseconds of its event's
	// id on. 0: until Most pushes it out.
	Age time.Duration
	// Most bounds the keys of all topics together: over it the oldest are
	// forgotten, and counted. 0: no limit.
	Most int
}

// KeyStats is what a store remembers of idempotency keys.
type KeyStats struct {
	Remembered int    // keys now
	Forgotten  uint64 // because there were more than KeyOptions.Most, since the store was opened
}

// KeyRecord is what is remembered of one append with a key.
type KeyRecord struct {
	Key         [16]byte // of Idempotency.In: the topic is in it
	Fingerprint [16]byte
	ID          ID // of the event; retention may have taken it
}

// In returns what the key is remembered as: the first half of a SHA-256 over
// the topic and the key. So the topic is part of it at no cost, and whoever
// chooses keys can't make two of them meet.
func (i *Idempotency) In(topic string) (key [16]byte) {
	b := make([]byte, 0, wire.MaxTopicName+1+len(i.Key))
	b = append(append(b, topic...), 0) // no topic's name has a 0
	sum := sha256.Sum256(append(b, i.Key[:]...))
	copy(key[:], sum[:])
	return key
}

// Answer returns what another append with the key gets.
func (r *KeyRecord) Answer(fingerprint [16]byte) (Receipt, error) {
	if r.Fingerprint != fingerprint {
		return Receipt{}, ErrKeyReused
	}
	return Receipt{ID: r.ID, Duplicate: true}, nil
}

// Keys is a store's memory of idempotency keys: a queue in the order of the
// ids, and an index into it. Finding, adding and forgetting one take the same
// short time however many there are, but that the index is made anew when
// three quarters of it were forgotten. A key takes 75 to 110 bytes, measured
// with 100,000 to 1,000,000 of them; what is forgotten is given back. It is not
// safe for concurrent use: the store's lock guards it.
type Keys struct {
	options KeyOptions
	// The queue's records have consecutive numbers, which wrap around. The
	// first chunk begins at the number of the first record, rounded down.
	chunks      []*[keyChunk]KeyRecord
	first, next uint32
	index       map[[16]byte]uint32 // the number of the newest record with a key
	peak        int                 // most keys in the index since it was made

	floor, last ID
	forgotten   uint64
}

const (
	keyChunk  = 256  // records; a power of two
	keyPeak   = 1024 // a smaller index is not worth making anew
	keyExpire = 4096 // records that one Expire forgets
)

// NewKeys returns an empty memory.
func NewKeys(o KeyOptions) *Keys {
	return &Keys{options: o, index: map[[16]byte]uint32{}}
}

// Find returns what is remembered of a key at a time.
func (k *Keys) Find(key [16]byte, now time.Time) (*KeyRecord, bool) {
	n, ok := k.index[key]
	if !ok {
		return nil, false
	}
	r := k.at(n)
	return r, !k.expired(r, now)
}

// Add remembers an append. Its id must be above all that were added before,
// and its key none that Find finds.
func (k *Keys) Add(r KeyRecord) {
	if k.next%keyChunk == 0 {
		k.chunks = append(k.chunks, new([keyChunk]KeyRecord))
	}
	*k.at(k.next) = r
	k.index[r.Key] = k.next
	k.next++
	k.last = r.ID
	k.peak = max(k.peak, len(k.index))
	for k.options.Most > 0 && k.len() > k.options.Most {
		k.forget()
		k.forgotten++
	}
}

// Expire forgets what has reached its age, a part at a time, and reports
// whether there is more.
func (k *Keys) Expire(now time.Time) (more bool) {
	for range keyExpire {
		if k.len() == 0 || !k.expired(k.at(k.first), now) {
			return false
		}
		k.forget()
	}
	return true
}

// All visits what is remembered, rising.
func (k *Keys) All() iter.Seq[*KeyRecord] {
	return func(yield func(*KeyRecord) bool) {
		for n := k.first; n != k.next && yield(k.at(n)); n++ {
		}
	}
}

// Stats returns what there is.
func (k *Keys) Stats() KeyStats { return KeyStats{k.len(), k.forgotten} }

// Last returns the highest id that was added; zero: none was.
func (k *Keys) Last() ID { return k.last }

// Floor returns the highest id that was forgotten: nothing at or below is
// remembered. Zero: none was.
func (k *Keys) Floor() ID { return k.floor }

func (k *Keys) len() int { return int(k.next - k.first) }

func (k *Keys) at(n uint32) *KeyRecord {
	return &k.chunks[(n-k.first&^(keyChunk-1))/keyChunk][n%keyChunk]
}

func (k *Keys) expired(r *KeyRecord, now time.Time) bool {
	return k.options.Age > 0 && int64(r.ID.MS) < now.Add(-k.options.Age).UnixMilli()
}

// forget forgets the oldest.
func (k *Keys) forget() {
	r := k.at(k.first)
	if k.index[r.Key] == k.first { // or it was used again since
		delete(k.index, r.Key)
	}
	k.floor = r.ID
	if k.first++; k.first%keyChunk == 0 {
		k.chunks[0] = nil
		k.chunks = k.chunks[1:]
	}
	if k.peak > keyPeak && len(k.index) < k.peak/4 {
		k.shrink()
	}
}

// shrink makes the index anew: a map keeps the memory that it ever took.
func (k *Keys) shrink() {
	index := make(map[[16]byte]uint32, len(k.index))
	for key, n := range k.index {
		index[key] = n
	}
	k.index, k.peak = index, len(index)
}
