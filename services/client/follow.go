package client

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// following is one stream as the loop sees it.
type following struct {
	s        *subscription
	c        *connection
	beside   *sync.WaitGroup // what goes on beside the loop while the stream is open
	fromHub  bool            // by its headers
	hub      bool            // and by stream.open
	some     bool            // its first message has come
	opened   bool
	drained  bool
	expired  bool
	rejected *RejectedError
}

// follow gives the loop what a connection reads, to its end.
func (s *subscription) follow(c *connection, beside *sync.WaitGroup, fromHub bool) result {
	f := &following{s: s, c: c, beside: beside, fromHub: fromHub}
	s.position.begin()
	for {
		i, err := f.next()
		if err != nil {
			return result{err: err, opened: f.opened}
		}
		if i.end != nil {
			return f.ended(i.end)
		}
		if !f.take(i) {
			return result{err: errLeft}
		}
	}
}

// next waits for the next item, and saves positions meanwhile.
func (f *following) next() (item, error) {
	for {
		if err := f.s.ctx.Err(); err != nil {
			return item{}, err
		}
		if i, ok := f.c.queue.take(); ok {
			return i, nil
		}
		var saving, opening <-chan time.Time
		if f.s.saver.due {
			saving = time.After(f.s.saver.in())
		}
		if !f.opened && !f.fromHub {
			opening = time.After(quiet)
		}
		select {
		case <-f.c.queue.more:
		case <-saving:
			_ = f.s.saver.save(f.s.ctx, f.s.taken) // it was reported, and is tried again
		case <-opening:
			f.open(nil)
		case <-f.s.ctx.Done():
		}
	}
}

// take takes a message. It answers false where the loop was left.
func (f *following) take(i item) bool {
	if i.open != nil {
		f.hub = true
		f.s.position.opened(i.ID, i.open)
		f.open(i.open)
		f.s.took(f.s.position.text)
		return true
	}
	control := f.hub || !f.some
	f.some = true
	switch {
	case control && i.Type == wire.TypeRejected && f.reject(i.Data):
		return true
	case f.hub && i.Type == wire.TypeDrain:
		f.drained = true
		f.s.report(State{Phase: Draining})
		return true
	case f.hub && i.Type == wire.TypeExpired:
		f.expired = true
		return true
	}
	if !f.opened {
		f.open(nil)
	}
	e := Event{ID: i.ID, Type: i.Type, Key: i.Key, Data: i.Data, Traceparent: i.Traceparent}
	if f.hub && i.Type == wire.TypeGap {
		return f.gap(e)
	}
	topic, repeated := f.s.position.moved(i.last)
	if repeated {
		return true
	}
	e.Topic, e.ID = topic, f.s.position.text
	return f.give(e)
}

// give gives the loop an event.
func (f *following) give(e Event) bool {
	if !f.s.yield(e, nil) {
		return false
	}
	f.s.took(e.ID)
	return true
}

// gap tells of one, in the place of what is missing.
func (f *following) gap(e Event) bool {
	g := &Gap{}
	if json.Unmarshal([]byte(e.Data), g) != nil {
		g = &Gap{Reason: "unknown"}
	}
	f.s.position.jumped(g.Topic, e.ID)
	e.ID, e.Topic, e.Gap = f.s.position.text, g.Topic, g
	f.s.report(State{Phase: Gapped, Gap: g})
	return f.give(e)
}

// open notes that the server streams; o is nil where it is no hub.
func (f *following) open(o *wire.Open) {
	s := f.s
	f.opened, s.unauthorized = true, nil
	failures := s.backoff.failures
	s.backoff.succeeded()
	s.degraded = false
	s.opens++
	s.behind = s.behind[:0]
	if o != nil {
		s.connection = o.Connection
		f.heads(o)
		f.beside.Go(func() { f.c.answer(o.Connection) })
		if s.Spare > 0 {
			f.beside.Go(func() { s.pool.run(f.c.ctx) })
			s.pool.opened(s.opens > 1)
		}
	}
	s.report(State{Phase: Open, Failures: failures})
	if len(s.behind) > 0 {
		s.report(State{Phase: CatchingUp})
	} else {
		s.report(State{Phase: Live})
	}
}

// heads notes which topics have events from before the handshake.
func (f *following) heads(o *wire.Open) {
	for _, t := range o.Topics {
		after, unknown := wire.ParseID(t.After)
		head, err := wire.ParseID(t.Head)
		if unknown == nil && err == nil && after.Less(head) {
			f.s.behind = append(f.s.behind, place{t.Topic, head})
		}
	}
}

// quiet is for how long a server that says nothing at all is not taken for one
// that accepts: a refusal within a stream comes at once.
const quiet = time.Second
