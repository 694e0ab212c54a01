package sse

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/fanout"
	"github.com/sluice-stream/sluice/services/sse/internal/sockets"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
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
	meter := s.newMeter()
	var rate stream.Sampler
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-tick.C:
		}
		rate.Tune(s.clock(), s.goroutine.Load().Events())
		s.sampleGap.Store(rate.Gap())
		before := s.clock() - stuckAfter
		for _, t := range s.fanouts.All() {
			if r := t.Stuck(before); r != (fanout.Run{}) {
				view := t.View()
				meter.FannedOut(t, &view, r)
			}
		}
	}
}

// metered is what a stream with a goroutine of its own has for the meter.
type metered struct {
	owners []fanout.Owner  // by topic; none where nothing is measured
	chosen *stream.Chooser // nil likewise
	meter  sockets.Meter   // nil likewise
	traced []stream.Watched
}

// follow begins to measure the stream's topics.
func (c *requestConn) follow() {
	if c.server.h.Meter == nil {
		return
	}
	m := &c.metered
	m.owners, m.chosen, m.meter = make([]fanout.Owner, len(c.reads.Subs)), &stream.Chooser{}, c.server.newMeter()
	for i := range c.reads.Subs {
		if u := &c.reads.Subs[i]; !u.Own {
			m.owners[i].Follow(&c.server.fanouts, u.Topic)
		}
	}
}

// unfollow ends what follow began.
func (c *requestConn) unfollow(reason stream.Reason) {
	for i := range c.metered.owners {
		o := &c.metered.owners[i]
		if !o.Follows() {
			continue
		}
		t, r := o.Leave()
		if r != (fanout.Run{}) {
			view := t.View()
			c.metered.meter.FannedOut(t, &view, r)
		}
		c.server.fanouts.Quit(t)
	}
	for _, w := range c.metered.traced {
		c.metered.meter.Followed(c.session, w, reason)
	}
}

// choice returns what chooses deliveries of the next piece.
func (c *requestConn) choice() *stream.Chooser {
	if c.metered.chosen != nil {
		c.metered.chosen.SetGap(c.server.sampleGap.Load())
	}
	return c.metered.chosen
}

// attempted notes that a write of a piece begins: its events count as
// attempted.
func (c *requestConn) attempted() {
	now := c.server.clock()
	for i := range c.metered.owners {
		o, u := &c.metered.owners[i], &c.reads.Subs[i]
		if !o.Follows() || !u.Current() {
			continue
		}
		c.pickTraced(o, u, int32(i))
		if r := o.Passed(u.At, now); r != (fanout.Run{}) {
			c.metered.meter.FannedOut(o.Topic(), u.Feed.Look(c.pass), r)
		}
	}
}

// pickTraced looks for traced events in a piece, and follows some: one in as
// many as the topic has owners.
func (c *requestConn) pickTraced(o *fanout.Owner, u *stream.Sub, i int32) {
	if !o.At().Less(u.At) {
		return
	}
	u.Feed.Look(c.pass).Each(o.At(), u.At, func(e eventlog.Visible) bool {
		trace := wire.TraceparentOf(e.Wire, e.ID)
		if trace == nil {
			return true
		}
		o.Count(e.ID, fanout.Tally{Connections: 1})
		w := stream.Watched{Event: e, Trace: string(trace), Sub: i}
		w.Event.Wire = nil
		w.Slow = (stream.HashOf(trace)^stream.HashOf(c.id[:]))%uint32(o.Peers()) != 0
		if len(c.metered.traced) < stream.WatchedMost {
			c.metered.traced = append(c.metered.traced, w)
		}
		return true
	})
}

// accepted notes that a write has ended.
func (c *requestConn) accepted(samples []stream.Sampled) {
	if len(samples) > 0 {
		c.metered.meter.Sampled(c.session, samples)
	}
	for i := range c.metered.owners {
		if o := &c.metered.owners[i]; o.Follows() && c.reads.Subs[i].Current() {
			o.Wrote()
		}
	}
	for _, w := range c.metered.traced {
		c.metered.meter.Followed(c.session, w, "")
	}
	c.metered.traced = c.metered.traced[:0]
}

// arrivedAtHead makes fan-outs wait for the topics that have come to the head.
func (c *requestConn) arrivedAtHead() {
	for i := range c.metered.owners {
		o, u := &c.metered.owners[i], &c.reads.Subs[i]
		if o.Follows() && u.Arrived(c.pass) {
			o.Join(u.At)
		}
	}
}
