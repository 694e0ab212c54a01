package boltlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// formatVersion is the first byte of everything stored.
const formatVersion = 1

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)

	keyScope = scopeOf("/keys") // no topic's name

	errDamaged = errors.New("not as it was written")
	errNewer   = errors.New("unknown format version")
)

const (
	idLen      = 16
	prefixLen  = 1 + 4          // version, checksum
	recordHead = prefixLen + 16 // and the id of the topic's record before
	stateLen   = prefixLen + 4*idLen + 2*8
	metaLen    = prefixLen + 2*idLen
	keyLen     = prefixLen + 2*16
)

// A key is an id in an order that bytes compare in.
func appendID(dst []byte, id eventlog.ID) []byte {
	dst = binary.BigEndian.AppendUint64(dst, id.MS)
	return binary.BigEndian.AppendUint64(dst, id.Seq)
}

func readID(b []byte) eventlog.ID {
	return eventlog.ID{MS: binary.BigEndian.Uint64(b), Seq: binary.BigEndian.Uint64(b[8:])}
}

// scope is the name that values are stored under, as the beginning of their
// checksums.
type scope uint32

func scopeOf(name string) scope {
	return scope(crc32.Checksum(append([]byte(name), 0), castagnoli))
}

func (s scope) checksum(b, key []byte) uint32 {
	sum := crc32.Update(uint32(s), castagnoli, b[:1])
	sum = crc32.Update(sum, castagnoli, key)
	return crc32.Update(sum, castagnoli, b[prefixLen:])
}

// seal makes b a value: its first bytes become the version and a checksum
// over the names that it is stored under and everything behind.
func (s scope) seal(b, key []byte) {
	b[0] = formatVersion
	binary.BigEndian.PutUint32(b[1:], s.checksum(b, key))
}

// unseal returns what is behind the checksum, if that is right.
func (s scope) unseal(b, key []byte) ([]byte, error) {
	switch {
	case len(b) < prefixLen:
		return nil, errDamaged
	case binary.BigEndian.Uint32(b[1:]) != s.checksum(b, key):
		return nil, errDamaged
	case b[0] != formatVersion:
		return nil, fmt.Errorf("%w %d", errNewer, b[0])
	}
	return b[prefixLen:], nil
}

// newRecord copies a body into a record that has no id yet.
func newRecord(body []byte) []byte {
	r := make([]byte, recordHead+len(body))
	copy(r[recordHead:], body)
	return r
}

// finish gives a record its place.
func finish(r []byte, topic scope, key []byte, prev eventlog.ID) {
	appendID(r[:prefixLen], prev)
	topic.seal(r, key)
}

// record is one that has proved itself.
type record struct {
	id, prev eventlog.ID
	body     []byte
}

func openRecord(topic scope, key, value []byte) (record, error) {
	if len(key) != idLen {
		return record{}, errDamaged
	}
	b, err := topic.unseal(value, key)
	if err != nil {
		return record{}, err
	}
	if len(b) < idLen {
		return record{}, errDamaged
	}
	return record{id: readID(key), prev: readID(b), body: b[idLen:]}, nil
}

func sealState(topic string, s eventlog.State) []byte {
	b := make([]byte, prefixLen, stateLen)
	for _, id := range []eventlog.ID{s.Last, s.Trimmed, s.Born, s.Oldest} {
		b = appendID(b, id)
	}
	b = binary.BigEndian.AppendUint64(b, uint64(s.Events))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Bytes))
	scopeOf(topic).seal(b, nil)
	return b
}

func openState(topic string, value []byte) (s eventlog.State, err error) {
	b, err := scopeOf(topic).unseal(value, nil)
	if err != nil {
		return s, err
	}
	if len(b) != stateLen-prefixLen {
		return s, errDamaged
	}
	for _, id := range []*eventlog.ID{&s.Last, &s.Trimmed, &s.Born, &s.Oldest} {
		*id, b = readID(b), b[idLen:]
	}
	s.Events = int64(binary.BigEndian.Uint64(b))
	s.Bytes = int64(binary.BigEndian.Uint64(b[8:]))
	return s, nil
}

// meta is what the store knows beyond its topics.
type meta struct {
	clock eventlog.ID // the highest id ever given
	floor eventlog.ID // the highest id of any topic that was forgotten
}

var metaKey = []byte("store")

func sealMeta(m meta) []byte {
	b := make([]byte, prefixLen, metaLen)
	b = appendID(appendID(b, m.clock), m.floor)
	scopeOf("").seal(b, metaKey)
	return b
}

func openMeta(value []byte) (meta, error) {
	b, err := scopeOf("").unseal(value, metaKey)
	if err != nil {
		return meta{}, err
	}
	if len(b) != metaLen-prefixLen {
		return meta{}, errDamaged
	}
	return meta{clock: readID(b), floor: readID(b[idLen:])}, nil
}

// sealKey makes the record of an idempotency key: under its event's id, what
// it is remembered as and its fingerprint.
func sealKey(k *eventlog.KeyRecord) (id, value []byte) {
	b := make([]byte, idLen+prefixLen, idLen+keyLen)
	appendID(b[:0], k.ID)
	b = append(append(b, k.Key[:]...), k.Fingerprint[:]...)
	id, value = b[:idLen], b[idLen:]
	keyScope.seal(value, id)
	return id, value
}

func openKey(id, value []byte) (k eventlog.KeyRecord, err error) {
	if len(id) != idLen || len(value) != keyLen {
		return k, errDamaged
	}
	b, err := keyScope.unseal(value, id)
	if err != nil {
		return k, err
	}
	k.ID = readID(id)
	copy(k.Key[:], b)
	copy(k.Fingerprint[:], b[16:])
	return k, nil
}
