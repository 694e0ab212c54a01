package pebblelog

import (
	"encoding/binary"
	"strings"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/stored"
)

// Scopes of what is no topic's: no topic has such a name.
var (
	metaScope = stored.ScopeOf("/meta")
	onceScope = stored.ScopeOf("/keys")
)

// topic is what the store knows of one.
type topic struct {
	eventlog.State
	name  string // the store's own
	scope stored.Scope
	// end and gone are how many events and bytes there were since the topic's
	// beginning, up to Last and up to Trimmed.
	end, gone count
}

type count struct{ events, bytes uint64 }

// newTopic returns a topic with a name of its own: a publisher's is part of its
// request.
func newTopic(name string) *topic {
	return &topic{name: strings.Clone(name), scope: stored.ScopeOf(name)}
}

// recount sets what the state says of both.
func (t *topic) recount() {
	t.Events = int64(t.end.events - t.gone.events)
	t.Bytes = int64(t.end.bytes - t.gone.bytes)
	t.Number = t.end.events
}

// sealTopic makes the value of a topic: what can't be told from its records.
func sealTopic(key []byte, t *topic) []byte {
	b := stored.New(4*stored.IDLen + 2*8)
	for _, id := range []eventlog.ID{t.Born, t.Trimmed, t.Last, t.Ended} {
		b = stored.AppendID(b, id)
	}
	b = binary.BigEndian.AppendUint64(b, t.gone.events)
	b = binary.BigEndian.AppendUint64(b, t.gone.bytes)
	t.scope.Seal(b, key)
	return b
}

// openTopic reads it. What records say comes in addition. A later release may
// have added to the end of it.
func openTopic(key, value []byte) (*topic, error) {
	t := newTopic(string(key[1:]))
	b, err := t.scope.Unseal(value, key)
	if err != nil {
		return nil, err
	}
	if len(b) < 4*stored.IDLen+2*8 {
		return nil, stored.ErrDamaged
	}
	for _, id := range []*eventlog.ID{&t.Born, &t.Trimmed, &t.Last, &t.Ended} {
		*id, b = stored.ReadID(b), b[stored.IDLen:]
	}
	t.gone = count{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
	t.end = t.gone
	return t, nil
}

// meta is what the store knows beyond its topics.
type meta struct {
	floor eventlog.ID // the highest id of any topic that was forgotten
	keys  eventlog.ID // no idempotency key at or below is kept
}

func sealMeta(m meta) []byte {
	b := stored.New(2 * stored.IDLen)
	b = stored.AppendID(stored.AppendID(b, m.floor), m.keys)
	metaScope.Seal(b, metaKey)
	return b
}

func openMeta(value []byte) (meta, error) {
	b, err := metaScope.Unseal(value, metaKey)
	if err != nil {
		return meta{}, err
	}
	if len(b) < 2*stored.IDLen {
		return meta{}, stored.ErrDamaged
	}
	return meta{floor: stored.ReadID(b), keys: stored.ReadID(b[stored.IDLen:])}, nil
}

// sealOnce makes the value of an idempotency key: what it is remembered as,
// and its fingerprint.
func sealOnce(key []byte, k *eventlog.KeyRecord) []byte {
	b := append(append(stored.New(2*16), k.Key[:]...), k.Fingerprint[:]...)
	onceScope.Seal(b, key)
	return b
}

func openOnce(key, value []byte) (k eventlog.KeyRecord, err error) {
	b, err := onceScope.Unseal(value, key)
	if err != nil {
		return k, err
	}
	if len(key) != 1+stored.IDLen || len(b) < 2*16 {
		return k, stored.ErrDamaged
	}
	k.ID = stored.ReadID(key[1:])
	copy(k.Key[:], b)
	copy(k.Fingerprint[:], b[16:])
	return k, nil
}

// sealLatest makes the value of a key's latest event.
func sealLatest(t *topic, key []byte, id eventlog.ID) []byte {
	b := stored.AppendID(stored.New(stored.IDLen), id)
	t.scope.Seal(b, key)
	return b
}

func openLatest(t *topic, key, value []byte) (eventlog.ID, error) {
	b, err := t.scope.Unseal(value, key)
	if err != nil {
		return eventlog.ID{}, err
	}
	if len(b) < stored.IDLen {
		return eventlog.ID{}, stored.ErrDamaged
	}
	return stored.ReadID(b), nil
}
