package sockets

import (
	"slices"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/fanout"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
	"github.com/sluice-stream/sluice/services/wire"
)

// aim is how far the sweeps of a loop are to bring, and have brought, the
// streams of a topic.
type aim struct {
	owner   fanout.Owner
	target  eventlog.ID      // the head when the sweep began
	scanned eventlog.ID      // events up to here were looked at for traces
	traced  []stream.Watched // of these, above what was swept
	aiming  bool             // it is in the loop's list
	fresh   bool             // the next sweep takes a target
}

// slowFollowed bounds the streams of a loop that are followed because their
// sockets were full when a traced event came.
const slowFollowed = 4

// follow begins to measure a topic whose first stream has come.
func (l *loop) follow(f *loopFeed, own bool) {
	if l.cfg.Fanouts == nil || own {
		return
	}
	state, _ := f.Topic.State()
	f.aim.scanned = state.Last
	f.aim.owner.Follow(l.cfg.Fanouts, f.Topic)
	f.aim.owner.Join(state.Last)
}

// unfollow ends what follow began.
func (l *loop) unfollow(f *loopFeed) {
	if !f.aim.owner.Follows() {
		return
	}
	t, r := f.aim.owner.Leave()
	if r != (fanout.Run{}) {
		l.look(&f.Feed)
		l.meter.FannedOut(t, f.View(), r)
	}
	l.cfg.Fanouts.Quit(t)
}

// aimAt makes the next sweep try to bring the streams of a topic to its head.
func (l *loop) aimAt(f *loopFeed) {
	if !f.aim.owner.Follows() {
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
		if !f.aim.owner.Follows() {
			continue // its last stream has left
		}
		f.Least = wire.MaxID
		if f.aim.fresh {
			f.aim.fresh = false
			l.look(&f.Feed)
			f.aim.target = f.View().Head
			l.pickTraced(f)
		}
	}
}

// swept ends a sweep. A topic that not every live stream has come to the
// target of, because it was more than one write, is aimed at again.
func (l *loop) swept() {
	again := l.aims[:0]
	for _, f := range l.aims {
		if !f.aim.owner.Follows() {
			continue
		}
		through := f.aim.target
		if f.Least.Less(through) {
			through = f.Least
		}
		l.tally(f, through)
		if r := f.aim.owner.Passed(through, 0); r != (fanout.Run{}) {
			l.look(&f.Feed)
			l.meter.FannedOut(f.aim.owner.Topic(), f.View(), r)
		}
		if f.aim.aiming = through.Less(f.aim.target); f.aim.aiming {
			again = append(again, f)
		}
	}
	clear(l.aims[len(again):])
	l.aims = again
}

// pickTraced looks for traced events among the new ones, and follows each to
// one stream, unless another loop does.
func (l *loop) pickTraced(f *loopFeed) {
	f.View().Each(f.aim.scanned, f.aim.target, func(e eventlog.Visible) bool {
		trace := wire.TraceparentOf(e.Wire, e.ID)
		if trace == nil {
			return true
		}
		found := stream.Watched{Event: e, Trace: string(trace)}
		found.Event.Wire = nil // not to keep the block in memory
		f.aim.traced = append(f.aim.traced, found)
		if m, ok := f.pick(stream.HashOf(trace), e.ID); ok && f.aim.owner.Claim(e.ID) {
			l.watch(m, found)
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
		if u := &m.c.stream.Subs[m.sub]; u.At.Less(id) && !m.c.stream.Replays(u) {
			return m, true
		}
	}
	return member{}, false
}

// tally counts what the traced events up to a position came to.
func (l *loop) tally(f *loopFeed, through eventlog.ID) {
	n := 0
	for n < len(f.aim.traced) && !through.Less(f.aim.traced[n].Event.ID) {
		n++
	}
	if n == 0 {
		return
	}
	var t fanout.Tally
	slow := 0
	for _, m := range f.members {
		u := &m.c.stream.Subs[m.sub]
		switch {
		case m.c.blocked:
			t.Stalled++
			t.Lag = max(t.Lag, time.Duration(l.now-m.c.stalled)*time.Millisecond)
			if slow++; slow <= slowFollowed {
				l.watchSlow(m, f.aim.traced[n-1])
			}
		case !u.At.Less(f.aim.traced[n-1].Event.ID):
			t.Connections++
		}
	}
	for _, found := range f.aim.traced[:n] {
		f.aim.owner.Count(found.Event.ID, t)
	}
	f.aim.traced = slices.Delete(f.aim.traced, 0, n)
}
