package eventlog

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// MemoryOptions are what the ephemeral store is made with. The zero value
// sets no limit.
type MemoryOptions struct {
	Retention Retention
	MaxTopics int // that exist at a time; 0: no limit
	Keys      KeyOptions
}

// Memory returns the ephemeral store: the hot tails are all there is. What
// the budget or retention evicts is gone, and a restart forgets everything.
func Memory(o MemoryOptions) Store {
	return &memory{options: o, keys: NewKeys(o.Keys), stop: make(chan struct{}), done: make(chan struct{})}
}

type memory struct {
	options MemoryOptions
	log     *Log // set by Open

	mu     sync.Mutex // what holds it gives the next id and commits it
	clock  Clock
	topics map[string]struct{}
	keys   *Keys
	floor  ID // what new topics are born above
	closed bool

	stop, done chan struct{}
}

func (m *memory) Start(Sink) (map[string]State, error) {
	m.topics = map[string]struct{}{}
	m.floor = m.clock.Next() // readers of an earlier run are told that its events are gone
	go m.retain()
	return nil, nil
}

func (m *memory) Append(ctx context.Context, topic string, e Entry) (Receipt, error) {
	if err := ctx.Err(); err != nil {
		return Receipt{}, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return Receipt{}, ErrClosed
	}
	var key [16]byte
	if e.Idempotency != nil {
		key = e.Idempotency.In(topic)
		if r, ok := m.keys.Find(key, m.clock.Time()); ok {
			return r.Answer(e.Idempotency.Fingerprint)
		}
	}
	if err := m.create(topic); err != nil {
		return Receipt{}, err
	}
	id := m.clock.Next()
	m.log.Committed(topic, []Event{{id, e.Body}})
	if e.Idempotency != nil {
		m.keys.Add(KeyRecord{key, e.Idempotency.Fingerprint, id})
	}
	return Receipt{ID: id}, nil
}

// create makes a topic exist. m.mu is held.
func (m *memory) create(topic string) error {
	if _, ok := m.topics[topic]; ok {
		return nil
	}
	if most := m.options.MaxTopics; most > 0 && len(m.topics) >= most && !m.forgetOne() {
		return ErrTooManyTopics
	}
	m.topics[strings.Clone(topic)] = struct{}{} // the publisher's is part of its request
	m.log.Trimmed(topic, State{Last: m.floor, Trimmed: m.floor, Born: m.floor})
	return nil
}

// forgetOne removes the empty topic that was idle longest. m.mu is held.
func (m *memory) forgetOne() bool {
	idle, last := "", wire.MaxID
	for name := range m.topics {
		if s, _ := m.log.topic(name).State(); s.Events == 0 && s.Last.Less(last) {
			idle, last = name, s.Last
		}
	}
	if idle == "" {
		return false
	}
	delete(m.topics, idle)
	m.floor = m.clock.Last
	m.log.Forgotten(idle)
	return true
}

func (m *memory) Read(_ context.Context, topic string, after, until ID, _ func(Event) bool) error {
	return &GapError{topic, after, until, Expired}
}

func (m *memory) Close() error {
	m.mu.Lock()
	already := m.closed
	m.closed = true
	m.mu.Unlock()
	if !already {
		close(m.stop)
	}
	<-m.done
	return nil
}

// retain applies retention once a second.
func (m *memory) retain() {
	defer close(m.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-m.stop:
			return
		case now := <-tick.C:
			for _, t := range m.log.all() {
				t.retain(m.options.Retention, now)
			}
			for m.expireKeys(now) {
			}
		}
	}
}

// expireKeys forgets keys that are too old, and reports whether there are
// more. Between two calls others get to append.
func (m *memory) expireKeys(now time.Time) (more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys.Expire(now)
}

// Keys returns what is remembered of idempotency keys.
func (m *memory) Keys() KeyStats {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.keys.Stats()
}
