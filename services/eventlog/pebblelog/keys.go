package pebblelog

import (
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/stored"
)

// The first byte of a key says what is under it.
const (
	metaKind   = 'a' // the store's own
	topicKind  = 'b' // <topic>: what its last record does not say of it
	eventKind  = 'e' // <topic> 0 <id>: a record
	onceKind   = 'i' // <id of the event>: an idempotency key
	latestKind = 'k' // <topic> 0 <key>: the id of the key's latest event
	endKind    = 'z' // nothing is there, or behind it
)

var metaKey = []byte{metaKind}

func topicKey(name string) []byte { return append([]byte{topicKind}, name...) }

// eventsOf begins the keys of a topic's records. No topic's name has a byte
// that is 0.
func eventsOf(name string) []byte { return under(eventKind, name) }

// latestOf begins the keys of a topic's latest events.
func latestOf(name string) []byte { return under(latestKind, name) }

func under(kind byte, name string) []byte {
	k := make([]byte, 0, 1+len(name)+1+stored.IDLen)
	return append(append(append(k, kind), name...), 0)
}

// behind returns the end of the keys that begin with a prefix of under.
func behind(prefix []byte) []byte {
	k := append([]byte(nil), prefix...)
	k[len(k)-1] = 1
	return k
}

func eventKey(name string, id eventlog.ID) []byte { return stored.AppendID(eventsOf(name), id) }

func onceKey(id eventlog.ID) []byte { return stored.AppendID([]byte{onceKind}, id) }

func latestKey(name, key string) []byte { return append(latestOf(name), key...) }

// next returns the key that follows directly.
func next(key []byte) []byte { return append(key[:len(key):len(key)], 0) }

// topicOf returns the topic of a record's key; false: it is none.
func topicOf(key []byte) (name string, ok bool) {
	n := len(key) - stored.IDLen - 1
	if n < 1 || key[0] != eventKind || key[n] != 0 {
		return "", false
	}
	return string(key[1:n]), true
}
