package pebblelog

import (
	"fmt"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// confirm waits for one group after the other to be on the disk, then makes it
// known to readers and answers the publishers. So everything is told in the
// order of the ids, and a duplicate or a refusal is answered only when that
// which it follows from is on the disk.
func (s *Store) confirm() {
	defer close(s.confirmed)
	for g := range s.flying {
		err := s.synced(g)
		if err != nil {
			for _, r := range g.requests {
				r.fail(failed(err))
			}
			g.finish(true)
			continue
		}
		s.publish(g)
		g.finish(false)
		for _, r := range g.requests {
			close(r.answer)
		}
	}
}

// synced waits until a group is on the disk. After the first error nothing is
// any more, since the log behind it may have a hole.
func (s *Store) synced(g *group) error {
	if err := s.failure(); err != nil {
		return err
	}
	if g.batch == nil {
		return nil
	}
	if err := g.batch.SyncWait(); err != nil {
		s.fail(fmt.Errorf("write to the disk: %w", err))
	}
	if err := s.failure(); err != nil {
		return err
	}
	return g.batch.Close()
}

// finish answers retention.
func (g *group) finish(failed bool) {
	if g.step != nil {
		g.step.failed = failed
		close(g.step.done)
	}
}

// publish makes a group known.
func (s *Store) publish(g *group) {
	for _, name := range g.forgotten {
		s.set(name, nil)
		s.sink.Forgotten(name)
	}
	for _, c := range g.changes {
		s.set(c.name, &c.after)
		switch {
		case c.born && !c.after.Born.IsZero():
			born := c.after.Born
			s.sink.Trimmed(c.name, eventlog.State{Last: born, Trimmed: born, Born: born})
		case c.trimmed:
			s.sink.Trimmed(c.name, c.after.State)
		}
		if len(c.events) > 0 {
			s.sink.Committed(c.name, c.events)
		}
	}
}

// set replaces what readers know of a topic; nil: it is gone.
func (s *Store) set(name string, t *topic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t == nil {
		delete(s.topics, name)
		return
	}
	s.topics[name] = known{t.State, t.gone, s.topics[name].cut}
}

// announce has readers know what is going to be missing in the database before
// it is.
func (s *Store) announce(c *change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.topics[c.name]; ok {
		k.cut = c.topic.Trimmed
		s.topics[c.name] = k
	}
}
