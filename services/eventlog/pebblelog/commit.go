package pebblelog

import (
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/stored"
)

// group is what one commit does, and whom it answers. The committer makes it,
// by what is planned so far; when it is on the disk the confirmer makes it
// known.
type group struct {
	batch     *pebble.Batch // nil: nothing is written
	changes   []*change
	forgotten []string
	requests  []*request
	step      *step  // of retention; nil: none
	full      error  // why nothing can be written; nil: it can
	spare     *spare // to make room for new topics; nil: not looked for yet

	byTopic map[string]*change
	now     time.Time // by the store's clock
}

// change is what a group does to one topic.
type change struct {
	name    string // the topic's
	topic   *topic // the committer's
	after   topic  // what is known of it when the group is on the disk
	born    bool
	trimmed bool
	events  []eventlog.Event
}

// commit judges appends in their order, hands over what they write and goes
// on, while that is on its way to the disk.
func (s *Store) commit(requests []*request) {
	if err := s.failure(); err != nil {
		for _, r := range requests {
			r.fail(failed(err))
		}
		return
	}
	g := s.newGroup()
	g.requests, g.full = requests, s.space.check(time.Now())
	for _, r := range requests {
		for i := range r.entries {
			s.place(g, r, i)
		}
	}
	s.apply(g)
}

func (s *Store) newGroup() *group { return &group{byTopic: map[string]*change{}, now: s.clock.Time()} }

func failed(err error) error { return fmt.Errorf("%w: %w", eventlog.ErrStoreFailed, err) }

// place judges an entry, and gives it a place in the group where it has one.
func (s *Store) place(g *group, r *request, i int) {
	e, result := &r.entries[i], &r.results[i]
	var once *eventlog.KeyRecord
	if e.Idempotency != nil {
		once = &eventlog.KeyRecord{Key: e.Idempotency.In(r.topic), Fingerprint: e.Idempotency.Fingerprint}
		if known, ok := s.keys.Find(once.Key, g.now); ok {
			result.Receipt, result.Err = known.Answer(once.Fingerprint)
			return
		}
	}
	if result.Err = s.judge(g, r.topic, e); result.Err != nil {
		return
	}
	if g.full != nil {
		result.Err = failed(g.full)
		return
	}
	c := s.change(g, r.topic)
	if c == nil {
		result.Err = eventlog.ErrTooManyTopics
		return
	}
	id := s.clock.Next()
	result.Receipt.ID = id
	s.put(g, c, id, e)
	if once != nil {
		once.ID = id
		key := onceKey(id)
		g.set(s, key, sealOnce(key, once))
		s.remember(*once)
	}
}

// judge says what stands against an entry.
func (s *Store) judge(g *group, name string, e *eventlog.Entry) error {
	t := s.planned[name]
	if t != nil && !t.Ended.IsZero() {
		return eventlog.ErrTopicEnded
	}
	if !e.Condition.Any() {
		return nil
	}
	latest, err := s.latest(g, name, e.Key)
	if err != nil {
		return failed(err)
	}
	return e.Condition.Check(latest)
}

// latest returns the id of a key's latest event, or zero.
func (s *Store) latest(g *group, name, key string) (id eventlog.ID, err error) {
	t := s.planned[name]
	if t == nil || key == "" {
		return id, nil
	}
	if c := g.byTopic[name]; c != nil {
		for i := len(c.events) - 1; i >= 0; i-- {
			if e := &c.events[i]; e.Key == key && (e.Kind == eventlog.KindEvent || e.Kind == eventlog.KindTombstone) {
				if e.Kind == eventlog.KindEvent {
					id = e.ID
				}
				return id, nil
			}
		}
	}
	k := latestKey(name, key)
	value, closer, err := s.db.Get(k)
	if errors.Is(err, pebble.ErrNotFound) {
		return id, nil
	}
	if err != nil {
		return id, err
	}
	defer closer.Close()
	if id, err = openLatest(t, k, value); err != nil {
		return id, err
	}
	if !t.Trimmed.Less(id) {
		id = eventlog.ID{}
	}
	return id, nil
}

// change begins what a group does to a topic, which it creates where it does
// not exist; nil where there is no room for it.
func (s *Store) change(g *group, name string) *change {
	if c := g.byTopic[name]; c != nil {
		return c
	}
	t, born := s.planned[name], false
	if t == nil {
		if s.options.MaxTopics > 0 && len(s.planned) >= s.options.MaxTopics && !s.makeRoom(g) {
			return nil
		}
		t, born = newTopic(name), true
		t.Born, t.Trimmed, t.Last = s.floor, s.floor, s.floor
		s.planned[t.name] = t
		key := topicKey(name)
		g.set(s, key, sealTopic(key, t))
	}
	c := &change{name: t.name, topic: t, born: born}
	g.changes = append(g.changes, c)
	g.byTopic[c.name] = c
	return c
}

// put appends a record to a topic.
func (s *Store) put(g *group, c *change, id eventlog.ID, e *eventlog.Entry) {
	t, size := c.topic, e.Size()
	event := eventlog.Event{ID: id, Record: e.Record}
	t.end.events++
	t.end.bytes += uint64(size)
	s.record = t.scope.Append(s.record[:0], &event, stored.Place{
		Appended: g.now, Prev: t.Last, Size: size, Events: t.end.events, Bytes: t.end.bytes,
	})
	s.key = stored.AppendID(append(append(append(s.key[:0], eventKind), c.name...), 0), id)
	g.set(s, s.key, s.record)
	if t.Last = id; t.end.events-t.gone.events == 1 {
		t.Oldest = id
	}
	c.events = append(c.events, event)
	switch {
	case e.Kind == eventlog.KindEnd:
		t.Ended = id
		key := topicKey(c.name)
		g.set(s, key, sealTopic(key, t))
	case e.Key == "":
	case e.Kind == eventlog.KindEvent:
		key := latestKey(c.name, e.Key)
		g.set(s, key, sealLatest(t, key, id))
	case e.Kind == eventlog.KindTombstone:
		g.remove(s, latestKey(c.name, e.Key))
	}
}

// The batch keeps every error: its methods fail only where they are misused.
func (g *group) set(s *Store, key, value []byte)       { _ = g.writes(s).Set(key, value, nil) }
func (g *group) remove(s *Store, key []byte)           { _ = g.writes(s).Delete(key, nil) }
func (g *group) removeRange(s *Store, from, to []byte) { _ = g.writes(s).DeleteRange(from, to, nil) }

func (g *group) writes(s *Store) *pebble.Batch {
	if g.batch == nil {
		g.batch = s.db.NewBatch()
	}
	return g.batch
}

// apply hands a group over: to the log of the database, and to the confirmer.
func (s *Store) apply(g *group) {
	for _, c := range g.changes {
		c.topic.recount()
		c.after = *c.topic
		if c.trimmed {
			s.announce(c)
		}
	}
	if g.batch != nil {
		s.write(g)
	}
	s.flying <- g
}

// write applies a group's batch. It is visible in the database then, and not
// yet on the disk.
func (s *Store) write(g *group) {
	s.space.bytes += g.batch.Len()
	if err := s.db.ApplyNoSyncWait(g.batch, pebble.Sync); err != nil {
		s.fail(fmt.Errorf("write to the log: %w", err))
	}
}

func (s *Store) remember(k eventlog.KeyRecord) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys.Add(k)
}
