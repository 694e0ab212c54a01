package sse

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// stuckAfter is how long a write of a stream with a goroutine of its own may
// take before the stream counts as stalled: events that came meanwhile are
// reported as that late, and those after it do not wait for the stream.
const stuckAfter = 100 * time.Millisecond

// watchStuck takes stalled streams out of what fan-outs wait for.
func (s *server) watchStuck() {
	tick := time.NewTicker(stuckAfter / 2)
	defer tick.Stop()
	var scratch []Fanout
	var rate sampler
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		rate.tune(s.clock(), s.goroutine.events())
		s.sampleGap.Store(rate.gap)
		before := s.clock() - stuckAfter
		for _, f := range s.fanouts.all() {
			if r := f.stuck(before); r != (run{}) {
				view := f.topic.View()
				scratch = s.report(f, &view, r, scratch)
			}
		}
	}
}

func (f *fanouts) all() []*fanout {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*fanout, 0, len(f.topics))
	for _, o := range f.topics {
		all = append(all, o)
	}
	return all
}

// metered is what a stream with a goroutine of its own has for the meter.
type metered struct {
	owners  []owner  // by topic; none where nothing is measured
	chosen  *chooser // nil likewise
	traced  []watched
	fanouts []Fanout
}

// follow begins to measure the stream's topics.
func (c *requestConn) follow() {
	if c.server.h.Meter == nil {
		return
	}
	c.metered.owners, c.metered.chosen = make([]owner, len(c.subs)), &chooser{}
	for i := range c.subs {
		o := &c.metered.owners[i]
		o.place = -1
		if u := &c.subs[i]; !u.own {
			o.fanout = c.server.fanouts.of(u.Topic)
		}
	}
}

// unfollow ends what follow began.
func (c *requestConn) unfollow(reason Reason) {
	for i := range c.metered.owners {
		o := &c.metered.owners[i]
		if o.fanout == nil {
			continue
		}
		if r := o.fanout.leave(o); r != (run{}) {
			view := c.subs[i].Topic.View()
			c.metered.fanouts = c.server.report(o.fanout, &view, r, c.metered.fanouts)
		}
		c.server.fanouts.quit(o.fanout)
	}
	for _, w := range c.metered.traced {
		c.tell(w, reason)
	}
}

// choice returns what chooses deliveries of the next piece.
func (c *requestConn) choice() *chooser {
	if c.metered.chosen != nil {
		c.metered.chosen.gap = c.server.sampleGap.Load()
	}
	return c.metered.chosen
}

// attempted notes that a write of a piece begins: its events count as
// attempted.
func (c *requestConn) attempted() {
	now := c.server.clock()
	for i := range c.metered.owners {
		o, u := &c.metered.owners[i], &c.subs[i]
		if o.fanout == nil || !u.current {
			continue
		}
		c.pickTraced(o, u, int32(i))
		if r := o.fanout.passed(o, u.At, now); r != (run{}) {
			c.metered.fanouts = c.server.report(o.fanout, u.feed.look(c.pass), r, c.metered.fanouts)
		}
	}
}

// pickTraced looks for traced events in a piece, and follows some: one in as
// many as the topic has owners.
func (c *requestConn) pickTraced(o *owner, u *sub, i int32) {
	if !o.at.Less(u.At) {
		return
	}
	u.feed.look(c.pass).Each(o.at, u.At, func(e eventlog.Visible) bool {
		trace := wire.TraceparentOf(e.Wire, e.ID)
		if trace == nil {
			return true
		}
		o.fanout.count(e.ID, tally{connections: 1})
		w := watched{event: e, trace: string(trace), sub: i}
		w.event.Wire = nil
		w.slow = (hashOf(trace)^hashOf(c.id[:]))%uint32(o.fanout.size()) != 0
		if len(c.metered.traced) < watchedMost {
			c.metered.traced = append(c.metered.traced, w)
		}
		return true
	})
}

func (f *fanout) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return max(len(f.owners), 1)
}

// accepted notes that a write has ended.
func (c *requestConn) accepted(samples []sampled) {
	c.server.measure(&c.meta, samples)
	for i := range c.metered.owners {
		if o := &c.metered.owners[i]; o.fanout != nil && c.subs[i].current {
			o.fanout.passed(o, o.at, 0)
		}
	}
	for _, w := range c.metered.traced {
		c.tell(w, "")
	}
	c.metered.traced = c.metered.traced[:0]
}

// arrivedAtHead makes fan-outs wait for the topics that have come to the head.
func (c *requestConn) arrivedAtHead() {
	for i := range c.metered.owners {
		o, u := &c.metered.owners[i], &c.subs[i]
		if o.fanout == nil {
			continue
		}
		u.current = !u.Behind(u.feed.look(c.pass))
		if u.current {
			o.fanout.rejoin(o, u.At)
		}
	}
}

// rejoin adds an owner unless it is there.
func (f *fanout) rejoin(o *owner, at eventlog.ID) {
	f.mu.Lock()
	there := o.place >= 0
	f.mu.Unlock()
	if !there {
		f.join(o, at)
	}
}

func (c *requestConn) tell(w watched, failed Reason) {
	s := c.server
	took := s.h.Log.Age(w.event, time.Now())
	if w.slow && failed == "" && took < SlowDelivery {
		return
	}
	s.h.Meter.Followed(Delivery{Topic: c.subs[w.sub].Topic.Name(), ID: w.event.ID, Traceparent: w.trace,
		Conn: c.describe(s.h, c.remote(), &c.stream), Took: took, Failed: failed})
}
