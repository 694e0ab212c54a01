package stream

import "github.com/sluice-stream/sluice/services/eventlog"

// Sampled is a delivery that was chosen to be measured.
type Sampled struct {
	Event  eventlog.Visible
	Replay bool // the event was there at the stream's handshake
}

// Chooser chooses deliveries of the pieces that one driver writes. The zero
// Chooser takes every delivery, until it is tuned.
type Chooser struct {
	Sampler
	scratch []Sampled
}

// of chooses among the events of a span. What it returns holds until the next
// choice.
func (c *Chooser) of(s *Stream, u *Sub, span eventlog.Span) []Sampled {
	return c.more(c.none(), s, u, span, span.Events)
}

func (c *Chooser) none() []Sampled { return c.scratch[:0] }

// more chooses among the first so many events of a span.
func (c *Chooser) more(chosen []Sampled, s *Stream, u *Sub, span eventlog.Span, events int) []Sampled {
	for from := 0; from < events; {
		i := c.skip(events - from)
		if i < 0 {
			break
		}
		from += i
		e := span.Event(from)
		chosen = append(chosen, Sampled{e, s.replaying(u, e.ID)})
		from++
	}
	c.scratch = chosen
	return chosen
}
