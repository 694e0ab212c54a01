package sse

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/fanout"
	"github.com/sluice-stream/sluice/services/sse/internal/sockets"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
	"github.com/sluice-stream/sluice/services/wire"
)

// reporter tells the handler's Meter what one goroutine has measured, a
// delivery loop's or a request's.
type reporter struct {
	h      *Handler
	events []Fanout // of the call under way
}

func (s *server) newMeter() sockets.Meter { return &reporter{h: s.h} }

// Sampled implements sockets.Meter: the deliveries have just been accepted.
func (m *reporter) Sampled(of sockets.Session, samples []stream.Sampled) {
	release, now := of.(*session).release, time.Now()
	for i := range samples {
		e := &samples[i].Event
		m.h.Meter.Sampled(Sample{Path: path(samples[i].Replay), Release: release, Latency: m.h.Log.Age(*e, now), Traceparent: wire.TraceparentOf(e.Wire, e.ID)})
	}
}

// Followed implements sockets.Meter: the delivery has just been accepted, or
// has failed.
func (m *reporter) Followed(of sockets.Session, w stream.Watched, failed stream.Reason) {
	x := of.(*session)
	took := m.h.Log.Age(w.Event, time.Now())
	if w.Trace == "" {
		m.h.Meter.Sampled(Sample{Path: path(w.Replay), Release: x.release, Latency: took})
		return
	}
	if w.Slow && failed == "" && took < SlowDelivery {
		return
	}
	m.h.Meter.Followed(Delivery{Topic: x.stream.Subs[w.Sub].Topic.Name(), ID: w.Event.ID, Traceparent: w.Trace,
		Conn: x.describe(x.driver.Remote()), Took: took, Failed: Reason(failed)})
}

// FannedOut implements sockets.Meter.
func (m *reporter) FannedOut(t *fanout.Topic, v *eventlog.View, r fanout.Run) {
	now := time.Now()
	m.events = m.events[:0]
	t.Each(v, r, func(e eventlog.Visible, trace []byte, came fanout.Tally) {
		m.events = append(m.events, Fanout{ID: e.ID, Took: m.h.Log.Age(e, now), Bytes: len(e.Wire), Traceparent: trace,
			Connections: came.Connections, Stalled: came.Stalled, Lag: came.Lag})
	})
	if len(m.events) > 0 {
		m.h.Meter.FannedOut(t.Name(), m.events)
	}
}

func path(replay bool) Path {
	if replay {
		return PathReplay
	}
	return PathLive
}
