package stream

import (
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// quantum is how many bytes a topic may put into a piece before the next
// topic of the connection has its turn.
const quantum = 16 << 10

// Piece is the next part of a stream: bytes of whole events.
type Piece struct {
	Block    *eventlog.Block // holds the bytes; nil: they are in the scratch
	From, To uint32
	Scratch  []byte
	some     bool // there is an event in it
	Counts   Counts
	Samples  []Sampled
}

// Next takes at most limit bytes of whole events, or one larger event, and
// moves the cursors past them. What it takes must be written, or the
// connection closed. A connection on one topic gets bytes of the log itself;
// on several, copies with its own id lines behind what scratch holds already.
// It answers false when there is nothing to be written now, and marks the
// topics that need a fetch as lacking.
func (s *Stream) Next(pass uint64, limit int, scratch []byte, chosen *Chooser) (Piece, bool) {
	if len(s.Subs) > 1 {
		return s.merge(pass, limit, scratch, chosen)
	}
	u := &s.Subs[0]
	span, ok := u.take(pass, limit)
	if !ok {
		return Piece{}, false
	}
	u.passed(span.Number, span.Events)
	p := Piece{Block: span.Block, From: span.From, To: span.To, some: true, Counts: s.counted(u, span, span.Events)}
	if u.Own {
		p.Counts.Own = p.To - p.From
	}
	if n := p.Counts.Memory + p.Counts.Store; n > 0 {
		p.Counts.Replayed = span.Size(int(n))
	}
	if chosen != nil && !u.Own {
		p.Samples = chosen.of(s, u, span)
	}
	return p, true
}

// take cuts the next span of one topic and moves its cursor.
func (u *Sub) take(pass uint64, limit int) (eventlog.Span, bool) {
	if u.page != nil {
		if span, where := u.NextIn(u.page, limit); where == eventlog.Resident {
			u.At = span.Last
			return span, true
		}
		u.dropPage()
	}
	span, where := u.Next(u.Feed.Look(pass), limit)
	if where != eventlog.Resident {
		u.lacking = where == eventlog.Elsewhere && !u.fetching
		return eventlog.Span{}, false
	}
	if span.Block.Fetched() {
		u.Feed.saved++
	}
	u.At = span.Last
	return span, true
}

// merge lets the topics take turns by bytes.
func (s *Stream) merge(pass uint64, limit int, scratch []byte, chosen *Chooser) (Piece, bool) {
	p := Piece{Scratch: scratch}
	if chosen != nil {
		p.Samples = chosen.none()
	}
	limit += len(scratch)
	for idle := 0; idle < len(s.Subs) && len(p.Scratch) < limit; {
		u := &s.Subs[s.turn]
		before := u.At
		span, ok := u.take(pass, min(quantum, limit-len(p.Scratch)))
		if !ok {
			idle++
		} else {
			idle, u.At = 0, before
			if !s.copy(u, span, &p, limit, chosen) {
				break // its next event starts the next piece
			}
		}
		s.turn = (s.turn + 1) % len(s.Subs)
	}
	return p, p.some
}

// copy gives a topic its turn: a quantum of its events, with the positions of
// all topics for their ids, which can be many times as long. It answers false
// where none fits any more.
func (s *Stream) copy(u *Sub, span eventlog.Span, p *Piece, limit int, chosen *Chooser) bool {
	start, copied := len(p.Scratch), 0
	span.Each(func(id eventlog.ID, fields []byte) bool {
		end, at := len(p.Scratch), u.At
		u.At = id
		p.Scratch = append(p.Scratch, fields...)
		p.Scratch = append(p.Scratch, wire.IDField...)
		p.Scratch = s.AppendPosition(p.Scratch, u)
		p.Scratch = append(p.Scratch, wire.EventEnd...)
		if len(p.Scratch) > limit && p.some {
			p.Scratch, u.At = p.Scratch[:end], at
			return false
		}
		p.some = true
		copied++
		switch n := uint32(len(p.Scratch) - end); {
		case u.Own:
			p.Counts.Own += n
		case s.replaying(u, id):
			p.Counts.Replayed += n
		}
		return len(p.Scratch) < min(start+quantum, limit)
	})
	if copied == 0 {
		return false
	}
	u.passed(span.Number, copied)
	p.Counts.Add(s.counted(u, span, copied))
	if chosen != nil && !u.Own {
		p.Samples = chosen.more(p.Samples, s, u, span, copied)
	}
	return true
}
