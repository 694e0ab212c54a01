package eventlog

import (
	"context"
	"sync"
	"time"
)

// Memory returns the ephemeral store: the hot tails are all there is. What
// the budget or retention evicts is gone, and a restart forgets everything.
// At most maxTopics topics exist at a time (0: no limit).
func Memory(r Retention, maxTopics int) Store {
	return &memory{retention: r, maxTopics: maxTopics, stop: make(chan struct{}), done: make(chan struct{})}
}

type memory struct {
	retention Retention
	maxTopics int
	log       *Log // set by Open

	mu     sync.Mutex // what holds it gives the next id and commits it
	clock  Clock
	topics map[string]struct{}
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

func (m *memory) Append(ctx context.Context, topic string, e Entry) (ID, error) {
	if err := ctx.Err(); err != nil {
		return ID{}, context.Cause(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return ID{}, ErrClosed
	}
	if _, ok := m.topics[topic]; !ok {
		if m.maxTopics > 0 && len(m.topics) >= m.maxTopics && !m.forgetOne() {
			return ID{}, ErrTooManyTopics
		}
		m.topics[topic] = struct{}{}
		m.log.Trimmed(topic, State{Last: m.floor, Trimmed: m.floor, Born: m.floor})
	}
	id := m.clock.Next()
	m.log.Committed(topic, []Event{{id, e.Body}})
	return id, nil
}

// forgetOne removes the empty topic that was idle longest. m.mu is held.
func (m *memory) forgetOne() bool {
	idle, last := "", MaxID
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
				t.retain(m.retention, now)
			}
		}
	}
}
