package eventlog

import "strings"

// latest is what the ephemeral store knows of the keys of one topic: the
// latest event of each. It is in the memory budget, and goes with the events.
type latest struct {
	account *budget
	ids     map[string]ID
	bytes   int64 // in the account
	kept    int   // keys that the last trim left
	trimmed ID    // where that was
	ended   bool
}

// latestSize is what the map has of a key beside its bytes, about.
const latestSize = 64

// set takes up an entry that was committed.
func (l *latest) set(e *Entry, id ID) {
	l.ended = l.ended || e.Kind == KindEnd
	if e.Key == "" {
		return
	}
	_, known := l.ids[e.Key]
	switch {
	case e.Kind == KindTombstone && known:
		l.drop(e.Key)
	case e.Kind != KindEvent:
	case known:
		l.ids[e.Key] = id
	default:
		if l.ids == nil {
			l.ids = map[string]ID{}
		}
		l.ids[strings.Clone(e.Key)] = id // the publisher's is part of its request
		l.spend(int64(len(e.Key) + latestSize))
	}
}

// get returns the latest event of a key that is above a position, or zero.
func (l *latest) get(key string, trimmed ID) ID {
	if id := l.ids[key]; trimmed.Less(id) {
		return id
	}
	return ID{}
}

// trim forgets what is at or below a position, when that is about half of all:
// so it costs each key little.
func (l *latest) trim(trimmed ID) {
	if len(l.ids) <= 2*l.kept || l.trimmed == trimmed {
		return
	}
	for key, id := range l.ids {
		if !trimmed.Less(id) {
			l.drop(key)
		}
	}
	l.kept, l.trimmed = len(l.ids), trimmed
}

// forget forgets all.
func (l *latest) forget() {
	l.spend(-l.bytes)
	l.ids, l.kept = nil, 0
}

func (l *latest) drop(key string) {
	delete(l.ids, key)
	l.spend(-int64(len(key) + latestSize))
}

func (l *latest) spend(n int64) {
	l.bytes += n
	l.account.used.Add(n)
}
