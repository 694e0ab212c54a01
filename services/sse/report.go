package sse

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/fanout"
	"github.com/sluice-stream/sluice/services/sse/internal/sockets"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
	"github.com/sluice-stream/sluice/services/wire"
)

// newReport returns what tells the meter of events that were fanned out. It is
// for one goroutine, which has the slice that goes with each call.
func (s *server) newReport() sockets.Report {
	var events []Fanout
	return func(t *fanout.Topic, v *eventlog.View, r fanout.Run) {
		now := time.Now()
		events = events[:0]
		t.Each(v, r, func(e eventlog.Visible, trace []byte, came fanout.Tally) {
			events = append(events, Fanout{ID: e.ID, Took: s.h.Log.Age(e, now), Bytes: len(e.Wire), Traceparent: trace,
				Connections: came.Connections, Stalled: came.Stalled, Lag: came.Lag})
		})
		if len(events) > 0 {
			s.h.Meter.FannedOut(t.Name(), events)
		}
	}
}

// Sampled implements sockets.Session: the deliveries have just been accepted.
func (x *session) Sampled(samples []stream.Sampled) {
	if len(samples) == 0 {
		return
	}
	h, now := x.server.h, time.Now()
	for i := range samples {
		e := &samples[i].Event
		h.Meter.Sampled(Sample{Path: path(samples[i].Replay), Release: x.release, Latency: h.Log.Age(*e, now), Traceparent: wire.TraceparentOf(e.Wire, e.ID)})
	}
}

// Followed implements sockets.Session: a delivery that was watched has been
// accepted just now, or has failed.
func (x *session) Followed(w stream.Watched, failed stream.Reason) {
	h := x.server.h
	took := h.Log.Age(w.Event, time.Now())
	if w.Trace == "" {
		h.Meter.Sampled(Sample{Path: path(w.Replay), Release: x.release, Latency: took})
		return
	}
	if w.Slow && failed == "" && took < SlowDelivery {
		return
	}
	h.Meter.Followed(Delivery{Topic: x.stream.Subs[w.Sub].Topic.Name(), ID: w.Event.ID, Traceparent: w.Trace,
		Conn: x.describe(x.driver.Remote()), Took: took, Failed: Reason(failed)})
}

func path(replay bool) Path {
	if replay {
		return PathReplay
	}
	return PathLive
}
