package sse

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// sampled is a delivery that was chosen to be measured.
type sampled struct {
	event eventlog.Visible
	path  Path
}

// chooser chooses deliveries of the pieces that one owner writes.
type chooser struct {
	sampler
	scratch []sampled
}

// of chooses among the events of a span. What it returns holds until the next
// choice.
func (c *chooser) of(s *stream, u *sub, span eventlog.Span) []sampled {
	return c.more(c.none(), s, u, span, span.Events)
}

func (c *chooser) none() []sampled { return c.scratch[:0] }

// more chooses among the first so many events of a span.
func (c *chooser) more(chosen []sampled, s *stream, u *sub, span eventlog.Span, events int) []sampled {
	for from := 0; from < events; {
		i := c.skip(events - from)
		if i < 0 {
			break
		}
		from += i
		e := span.Event(from)
		chosen = append(chosen, sampled{e, s.path(u, e.ID)})
		from++
	}
	c.scratch = chosen
	return chosen
}

// measure reports deliveries that have just been accepted.
func (s *server) measure(m *meta, samples []sampled) {
	if len(samples) == 0 {
		return
	}
	now := time.Now()
	for i := range samples {
		e := &samples[i].event
		s.h.Meter.Sampled(Sample{Path: samples[i].path, Release: m.release, Latency: s.h.Log.Age(*e, now), Traceparent: wire.TraceparentOf(e.Wire, e.ID)})
	}
}
