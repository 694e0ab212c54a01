package sse

import (
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// feed is one topic as the streams of one owner (a delivery loop, or one
// request's goroutine) see it. All of them read the same view during a pass.
type feed struct {
	topic *eventlog.Topic
	view  eventlog.View
	pass  uint64 // in which the view was taken; 0: none is held
	saved uint64 // reads of pages that were there already
	aim   aim
}

// look returns the view of a pass, taking it where this is its first use.
func (f *feed) look(pass uint64) *eventlog.View {
	if f.pass != pass {
		f.view, f.pass = f.topic.View(), pass
	}
	return &f.view
}

// forget lets go of the view, which would keep evicted blocks in memory.
func (f *feed) forget() { f.view, f.pass = eventlog.View{}, 0 }

// sub is one topic of a stream.
type sub struct {
	eventlog.Cursor
	feed     *feed
	page     *eventlog.Block // pinned while the cursor reads below the hot tail
	member   int32           // place among the members of the feed, on a loop
	own      bool            // the topic is the server's own: outside all counts
	lacking  bool            // what follows is neither here nor asked for
	fetching bool            // the reader pool has been asked for it
	current  bool            // it has come to the head, and its socket has not been full since
}

// stream is what a connection reads: a cursor in each of its topics. It does
// not know what it is written to.
type stream struct {
	subs []sub
	turn int // which topic is first in the next piece

	replays *replay // of topics that have not ended it yet
}

// quantum is how many bytes a topic may put into a piece before the next
// topic of the connection has its turn.
const quantum = 16 << 10

// piece is the next part of a stream: bytes of whole events.
type piece struct {
	block    *eventlog.Block // holds the bytes; nil: they are in the scratch
	from, to uint32
	scratch  []byte
	some     bool // there is an event in it
	counts   counts
	samples  []sampled
}

// counts are events by where they come from; those of the server's own topics
// are none.
type counts struct {
	live, memory, store uint32
	replayed            uint32 // bytes of those from memory and store
	own                 uint32 // bytes of events of the server's own topics
}

func (c *counts) add(d counts) {
	c.live += d.live
	c.memory += d.memory
	c.store += d.store
	c.replayed += d.replayed
	c.own += d.own
}

// bytes returns how many of n bytes of a piece, behind those that were accepted
// before, are the server's own and how many are replayed. In this account the
// own ones come first and the replayed ones next, so that all parts only ever
// grow.
func (c *counts) bytes(before, n uint32) (own, replayed uint32) {
	both := c.own + c.replayed
	own = min(before+n, c.own) - min(before, c.own)
	return own, min(before+n, both) - min(before, both) - own
}

func (c *counts) events() uint32 { return c.live + c.memory + c.store }

// next takes at most limit bytes of whole events, or one larger event, and
// moves the cursors past them. What it takes must be written, or the
// connection closed. A connection on one topic gets bytes of the log itself;
// on several, copies with its own id lines behind what scratch holds already.
// It answers false when there is nothing to be written now, and marks the
// topics that need a fetch as lacking.
func (s *stream) next(pass uint64, limit int, scratch []byte, chosen *chooser) (piece, bool) {
	if len(s.subs) > 1 {
		return s.merge(pass, limit, scratch, chosen)
	}
	u := &s.subs[0]
	span, ok := u.take(pass, limit)
	if !ok {
		return piece{}, false
	}
	p := piece{block: span.Block, from: span.From, to: span.To, some: true, counts: s.counted(u, span, span.Events)}
	if u.own {
		p.counts.own = p.to - p.from
	}
	if n := p.counts.memory + p.counts.store; n > 0 {
		p.counts.replayed = span.Size(int(n))
	}
	if chosen != nil && !u.own {
		p.samples = chosen.of(s, u, span)
	}
	return p, true
}

// take cuts the next span of one topic and moves its cursor.
func (u *sub) take(pass uint64, limit int) (eventlog.Span, bool) {
	if u.page != nil {
		if span, where := u.NextIn(u.page, limit); where == eventlog.Resident {
			u.At = span.Last
			return span, true
		}
		u.dropPage()
	}
	span, where := u.Next(u.feed.look(pass), limit)
	if where != eventlog.Resident {
		u.lacking = where == eventlog.Elsewhere && !u.fetching
		return eventlog.Span{}, false
	}
	if span.Block.Fetched() {
		u.feed.saved++
	}
	u.At = span.Last
	return span, true
}

// answered takes what the reader pool found at a position, and returns the
// gap where that is still the cursor's: the events may have become resident
// meanwhile, and the cursor may have gone past them.
func (u *sub) answered(at eventlog.ID, b *eventlog.Block, g *eventlog.GapError) *eventlog.GapError {
	u.fetching = false
	u.feed.forget() // the answer may be in a newer view
	if u.At != at {
		if b != nil {
			b.Unpin()
		}
		return nil
	}
	u.page = b
	if g != nil {
		u.At = g.Through
	}
	return g
}

func (u *sub) dropPage() {
	if u.page != nil {
		u.page.Unpin()
		u.page = nil
	}
}

// merge lets the topics take turns by bytes.
func (s *stream) merge(pass uint64, limit int, scratch []byte, chosen *chooser) (piece, bool) {
	p := piece{scratch: scratch}
	if chosen != nil {
		p.samples = chosen.none()
	}
	limit += len(scratch)
	for idle := 0; idle < len(s.subs) && len(p.scratch) < limit; {
		u := &s.subs[s.turn]
		before := u.At
		span, ok := u.take(pass, min(quantum, limit-len(p.scratch)))
		if !ok {
			idle++
		} else {
			idle, u.At = 0, before
			if !s.copy(u, span, &p, limit, chosen) {
				break // its next event starts the next piece
			}
		}
		s.turn = (s.turn + 1) % len(s.subs)
	}
	return p, p.some
}

// copy gives a topic its turn: a quantum of its events, with the positions of
// all topics for their ids, which can be many times as long. It answers false
// where none fits any more.
func (s *stream) copy(u *sub, span eventlog.Span, p *piece, limit int, chosen *chooser) bool {
	start, copied := len(p.scratch), 0
	span.Each(func(id eventlog.ID, fields []byte) bool {
		end, at := len(p.scratch), u.At
		u.At = id
		p.scratch = append(p.scratch, fields...)
		p.scratch = append(p.scratch, wire.IDField...)
		p.scratch = s.appendPosition(p.scratch, u)
		p.scratch = append(p.scratch, wire.EventEnd...)
		if len(p.scratch) > limit && p.some {
			p.scratch, u.At = p.scratch[:end], at
			return false
		}
		p.some = true
		copied++
		switch n := uint32(len(p.scratch) - end); {
		case u.own:
			p.counts.own += n
		case s.path(u, id) == PathReplay:
			p.counts.replayed += n
		}
		return len(p.scratch) < min(start+quantum, limit)
	})
	if copied == 0 {
		return false
	}
	p.counts.add(s.counted(u, span, copied))
	if chosen != nil && !u.own {
		p.samples = chosen.more(p.samples, s, u, span, copied)
	}
	return true
}

// behind reports whether a topic has something after its cursor that can be
// written, or that nobody has been asked for.
func (s *stream) behind(pass uint64) bool {
	for i := range s.subs {
		u := &s.subs[i]
		view := u.feed.look(pass)
		if !u.Behind(view) {
			continue
		}
		if !u.fetching {
			return true
		}
		// It may have become resident since it was asked for.
		if _, where := u.Next(view, 1); where == eventlog.Resident {
			return true
		}
	}
	return false
}

// follows reports whether a stream is on a topic.
func (s *stream) follows(topic string) bool {
	for i := range s.subs {
		if s.subs[i].Topic.Name() == topic {
			return true
		}
	}
	return false
}

// topics returns the names of a stream's topics.
func (s *stream) topics() []string {
	names := make([]string, len(s.subs))
	for i := range s.subs {
		names[i] = s.subs[i].Topic.Name()
	}
	return names
}

// release gives up what the stream holds.
func (s *stream) release(h *Handler) {
	for i := range s.subs {
		s.subs[i].dropPage()
		h.logOf(s.subs[i].Topic.Name()).Leave(s.subs[i].Topic)
	}
}
