package clients

import (
	"container/list"
	"maps"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// Limits of a Table.
const (
	MaxClients = 20_000    // that are remembered, about 1 KB each
	MaxTopics  = 64        // of one client; others are not remembered
	MaxAway    = time.Hour // that a client is remembered without an open stream
	saveEvery  = 3 * time.Second
	saveWait   = 2 * time.Second // that a stream of a new client waits for a slow disk
	signOfLife = MaxAway / 4     // how often open streams are noted in the journal
)

// Table is the clients of one hub. It implements [sse.Clients].
type Table struct {
	now    func() time.Time
	failed func(error) // a save has failed; may be nil

	mu      sync.Mutex // guards what follows
	clients map[string]*client
	away    list.List // of *client without an open stream, away longest first
	changed map[*client]struct{}
	saved   chan struct{} // closed and replaced when what was changed before is saved
	noted   time.Time     // when all open streams were marked as changed
	closed  bool

	journal *journal // used by run only; nil: nothing is kept
	urgent  chan struct{}
	stop    chan struct{}
	done    chan struct{}
}

type client struct {
	name         string
	acknowledged map[string]eventlog.ID
	sent         map[string]eventlog.ID
	open         int           // streams
	seen         time.Time     // the end of the last stream
	element      *list.Element // in away
}

// Acknowledged implements sse.Clients.
func (t *Table) Acknowledged(name string) map[string]eventlog.ID {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire()
	c := t.clients[name]
	if c == nil {
		return nil
	}
	return maps.Clone(c.acknowledged)
}

// Started implements sse.Clients. It returns once a client that is new, or
// new in a topic, will be known after a crash, or when the disk takes too
// long for that: the stream is worth more than the promise, which holds again
// once the disk has caught up.
func (t *Table) Started(name string, at []sse.ClientStart) {
	t.mu.Lock()
	c := t.join(name)
	if c == nil {
		t.mu.Unlock()
		return // all that may be remembered are here: it is as if it had no name
	}
	c.open++
	t.hold(c)
	fresh := false
	for _, s := range at {
		fresh = c.start(s) || fresh
	}
	t.changed[c] = struct{}{}
	saved := t.saved
	wait := fresh && t.journal != nil && !t.closed
	t.mu.Unlock()
	if wait {
		select {
		case t.urgent <- struct{}{}:
		default:
		}
		late := time.NewTimer(saveWait)
		defer late.Stop()
		select {
		case <-saved:
		case <-late.C:
		}
	}
}

// start takes how a stream begins, and reports whether its topic is new.
func (c *client) start(s sse.ClientStart) (fresh bool) {
	cursor, known := c.acknowledged[s.Topic]
	switch {
	case !known && len(c.acknowledged) >= MaxTopics:
		return false
	case !known:
		cursor = s.At
	case s.Presented != nil:
		acknowledged := *s.Presented
		if sent := c.sent[s.Topic]; sent.Less(acknowledged) {
			acknowledged = sent
		}
		cursor = higher(cursor, acknowledged)
	}
	if s.Head.Less(cursor) {
		cursor = s.Head // the log was lost and begins anew
	}
	c.acknowledged[s.Topic] = cursor
	c.sent[s.Topic] = higher(c.sent[s.Topic], s.At)
	if s.Head.Less(c.sent[s.Topic]) {
		c.sent[s.Topic] = s.Head
	}
	return !known
}

// Ended implements sse.Clients.
func (t *Table) Ended(name string, sent map[string]eventlog.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.clients[name]
	if c == nil || c.open == 0 {
		return
	}
	for topic, id := range sent {
		if before, known := c.sent[topic]; known {
			c.sent[topic] = higher(before, id)
		}
	}
	c.seen = t.now()
	t.changed[c] = struct{}{}
	if c.open--; c.open == 0 {
		c.element = t.away.PushBack(c)
	}
}

func higher(a, b eventlog.ID) eventlog.ID {
	if a.Less(b) {
		return b
	}
	return a
}

// join returns a client, new or known; nil where there is no room. t.mu is
// held.
func (t *Table) join(name string) *client {
	t.expire()
	if c := t.clients[name]; c != nil {
		return c
	}
	if len(t.clients) >= MaxClients && !t.forgetFirst() {
		return nil
	}
	c := &client{name: name, acknowledged: map[string]eventlog.ID{}, sent: map[string]eventlog.ID{}}
	t.clients[name] = c
	return c
}

// hold takes a client out of those that may be forgotten. t.mu is held.
func (t *Table) hold(c *client) {
	if c.element != nil {
		t.away.Remove(c.element)
		c.element = nil
	}
}

// expire forgets who has been away for too long. t.mu is held.
func (t *Table) expire() {
	for e := t.away.Front(); e != nil && t.now().Sub(e.Value.(*client).seen) > MaxAway; e = t.away.Front() {
		t.forgetFirst()
	}
}

// forgetFirst forgets who has been away longest, if anybody is. t.mu is held.
func (t *Table) forgetFirst() bool {
	e := t.away.Front()
	if e == nil {
		return false
	}
	c := e.Value.(*client)
	t.hold(c)
	delete(t.clients, c.name)
	delete(t.changed, c)
	return true
}
