package sse

import (
	"slices"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// follow begins to measure a topic whose first stream has come.
func (l *loop) follow(f *loopFeed) {
	if l.server.h.Meter == nil || l.server.h.own(f.topic.Name()) {
		return
	}
	state, _ := f.topic.State()
	f.aim.scanned = state.Last
	l.server.fanouts.of(f.topic).join(&f.aim.owner, state.Last)
}

// unfollow ends what follow began.
func (l *loop) unfollow(f *loopFeed) {
	o := f.aim.owner.fanout
	if o == nil {
		return
	}
	f.aim.owner.fanout = nil
	if r := o.leave(&f.aim.owner); r != (run{}) {
		l.look(&f.feed)
		l.fannedOut = l.server.report(o, &f.view, r, l.fannedOut)
	}
	l.server.fanouts.quit(o)
}

// aimAt makes the next sweep try to bring the streams of a topic to its head.
func (l *loop) aimAt(f *loopFeed) {
	if l.server.h.Meter == nil || f.aim.owner.fanout == nil {
		return
	}
	f.aim.fresh = true
	if !f.aim.aiming {
		f.aim.aiming = true
		l.aims = append(l.aims, f)
	}
}

// aimed begins a sweep: its targets are the heads of this pass.
func (l *loop) aimed() {
	for _, f := range l.aims {
		if f.aim.owner.fanout == nil {
			continue // its last stream has left
		}
		f.aim.least = wire.MaxID
		if f.aim.fresh {
			f.aim.fresh = false
			l.look(&f.feed)
			f.aim.target = f.view.Head
			l.pickTraced(f)
		}
	}
}

// note takes down how far a stream has come in a sweep.
func (l *loop) note(c *conn) {
	for i := range c.subs {
		u := &c.subs[i]
		switch {
		case u.own:
			continue
		case c.blocked || u.fetching:
			u.current = false
			continue
		case !u.current:
			u.current = !u.Behind(&u.feed.view)
		}
		if u.current && u.At.Less(u.feed.aim.least) {
			u.feed.aim.least = u.At
		}
	}
}

// swept ends a sweep. A topic that not every live stream has come to the
// target of, because it was more than one write, is aimed at again.
func (l *loop) swept() {
	again := l.aims[:0]
	for _, f := range l.aims {
		if f.aim.owner.fanout == nil {
			continue
		}
		through := f.aim.target
		if f.aim.least.Less(through) {
			through = f.aim.least
		}
		l.tally(f, through)
		if r := f.aim.owner.fanout.passed(&f.aim.owner, through, 0); r != (run{}) {
			l.look(&f.feed)
			l.fannedOut = l.server.report(f.aim.owner.fanout, &f.view, r, l.fannedOut)
		}
		if f.aim.aiming = through.Less(f.aim.target); f.aim.aiming {
			again = append(again, f)
		}
	}
	clear(l.aims[len(again):])
	l.aims = again
}

// pickTraced looks for traced events among the new ones, and follows each to
// one stream.
func (l *loop) pickTraced(f *loopFeed) {
	f.view.Each(f.aim.scanned, f.aim.target, func(e eventlog.Visible) bool {
		trace := wire.TraceparentOf(e.Wire, e.ID)
		if trace == nil {
			return true
		}
		found := traced{e.ID, watched{event: e, trace: string(trace)}}
		f.aim.traced = append(f.aim.traced, found)
		if m, ok := f.pick(hashOf(trace), e.ID); ok {
			l.watch(m, found.watched)
		}
		return true
	})
	if f.aim.scanned.Less(f.aim.target) {
		f.aim.scanned = f.aim.target
	}
}

// pick returns a stream that an event is new to, by a number.
func (f *loopFeed) pick(number uint32, id eventlog.ID) (member, bool) {
	for i := range min(len(f.members), 8) {
		m := f.members[(int(number%uint32(len(f.members)))+i)%len(f.members)]
		if u := &m.c.subs[m.sub]; u.At.Less(id) && m.c.replay(u) == nil {
			return m, true
		}
	}
	return member{}, false
}

// tally counts what the traced events up to a position came to.
func (l *loop) tally(f *loopFeed, through eventlog.ID) {
	n := 0
	for n < len(f.aim.traced) && !through.Less(f.aim.traced[n].id) {
		n++
	}
	if n == 0 {
		return
	}
	var t tally
	slow := 0
	for _, m := range f.members {
		u := &m.c.subs[m.sub]
		switch {
		case m.c.blocked:
			t.stalled++
			t.lag = max(t.lag, time.Duration(l.now-m.c.stalled)*time.Millisecond)
			if slow++; slow <= slowFollowed {
				l.watchSlow(m, f.aim.traced[n-1].watched)
			}
		case !u.At.Less(f.aim.traced[n-1].id):
			t.connections++
		}
	}
	for _, found := range f.aim.traced[:n] {
		f.aim.owner.fanout.count(found.id, t)
	}
	f.aim.traced = slices.Delete(f.aim.traced, 0, n)
}
