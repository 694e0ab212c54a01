package sse

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// drainPace is how long a drain takes for each stream at the most: few streams
// need no long window.
const drainPace = 10 * time.Millisecond

// Drain tells every stream that the server is about to end (stream.drain),
// and ends them one after the other, spread over the window or less, in no
// particular order. Meanwhile streams are served as usual; who subscribes is
// told to come back later than the window. It returns when the last stream
// has been told to end or ctx has ended. Shutdown is to follow.
func (h *Handler) Drain(ctx context.Context, window time.Duration) {
	s := h.serve()
	s.mu.Lock()
	if s.closing || !s.drainsUntil.IsZero() {
		s.mu.Unlock()
		return
	}
	window = min(window, time.Duration(s.count)*drainPace)
	start := time.Now()
	s.drainsUntil = start.Add(window)
	s.mu.Unlock()
	streams := s.streams.all()

	rand.Shuffle(len(streams), func(i, k int) { streams[i], streams[k] = streams[k], streams[i] })
	due := func(i int) time.Duration { return window * time.Duration(i+1) / time.Duration(len(streams)) }
	for i, x := range streams {
		x.driver.Tell(appendDrain(nil, due(i)))
	}
	tick := time.NewTicker(drainPace)
	defer tick.Stop()
	for i := 0; i < len(streams); {
		for passed := time.Since(start); i < len(streams) && due(i) <= passed; i++ {
			streams[i].driver.End(stream.Drain)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// draining refuses a subscription of a server that drains. s.mu is held.
func (s *server) draining() *Rejection {
	rest := max(time.Until(s.drainsUntil), 0)
	return &Rejection{Status: 503, Type: "draining", Title: "Draining", drains: true,
		Detail:     "the server is about to end; come back when another has taken over",
		RetryAfter: rest + heartbeat.Spread(retryBase, 0.5)}
}
