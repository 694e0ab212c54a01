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

// maxKeptEvents is for how many events of an append there is room all the time.
const maxKeptEvents = 16

type memory struct {
	options MemoryOptions
	log     *Log // set by Open

	mu     sync.Mutex // what holds it gives the next id and commits it
	clock  Clock
	topics map[string]*latest
	keys   *Keys
	floor  ID // what new topics are born above
	closed bool
	events []Event // of one append

	stop, done chan struct{}
}

func (m *memory) Start(Sink) (map[string]State, error) {
	m.topics = map[string]*latest{}
	m.floor = m.clock.Next() // readers of an earlier run are told that its events are gone
	go m.retain()
	return nil, nil
}

func (m *memory) Append(ctx context.Context, topic string, entries []Entry) []Result {
	if ctx.Err() != nil {
		return FailAll(len(entries), context.Cause(ctx))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return FailAll(len(entries), ErrClosed)
	}
	results := make([]Result, len(entries))
	events := m.events[:0]
	for i := range entries {
		id, err := m.place(topic, &entries[i], &results[i])
		if results[i].Err = err; !id.IsZero() {
			events = append(events, Event{ID: id, Record: entries[i].Record})
		}
	}
	m.log.Committed(topic, events)
	clear(events)
	if m.events = events; cap(events) > maxKeptEvents {
		m.events = nil
	}
	return results
}

// place gives an entry its id; zero: none, as the result or the error says.
// m.mu is held.
func (m *memory) place(topic string, e *Entry, r *Result) (id ID, err error) {
	var key [16]byte
	if e.Idempotency != nil {
		key = e.Idempotency.In(topic)
		if known, ok := m.keys.Find(key, m.clock.Time()); ok {
			r.Receipt, err = known.Answer(e.Idempotency.Fingerprint)
			return ID{}, err
		}
	}
	if err := m.judge(topic, e); err != nil {
		return ID{}, err
	}
	if err := m.create(topic); err != nil {
		return ID{}, err
	}
	id = m.clock.Next()
	m.topics[topic].set(e, id)
	if e.Idempotency != nil {
		m.keys.Add(KeyRecord{key, e.Idempotency.Fingerprint, id})
	}
	r.Receipt.ID = id
	return id, nil
}

// judge says what stands against an entry. m.mu is held.
func (m *memory) judge(topic string, e *Entry) error {
	t := m.topics[topic]
	if t == nil {
		return e.Condition.Check(ID{})
	}
	if t.ended {
		return ErrTopicEnded
	}
	if !e.Condition.Any() {
		return nil
	}
	s, _ := m.log.topic(topic).State()
	return e.Condition.Check(t.get(e.Key, s.Trimmed))
}

// create makes a topic exist. m.mu is held.
func (m *memory) create(topic string) error {
	if _, ok := m.topics[topic]; ok {
		return nil
	}
	if most := m.options.MaxTopics; most > 0 && len(m.topics) >= most && !m.forgetOne() {
		return ErrTooManyTopics
	}
	m.topics[strings.Clone(topic)] = &latest{account: &m.log.budget} // the publisher's is part of its request
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
	m.topics[idle].forget()
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
			m.forgetKeys()
			for m.expireKeys(now) {
			}
		}
	}
}

// forgetKeys forgets the keys of events that are gone.
func (m *memory) forgetKeys() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, t := range m.topics {
		if len(t.ids) == 0 {
			continue
		}
		if s, _ := m.log.topic(name).State(); s.Events == 0 {
			t.forget()
		} else {
			t.trim(s.Trimmed)
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
