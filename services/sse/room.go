package sse

import (
	"context"
	"time"

	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
)

// A stream may be about to leave: its client has hung up, and its loop has not
// noticed yet. So who finds no room waits, but not for long, and not many at a
// time.
const (
	roomPatience = 200 * time.Millisecond
	roomWaiters  = 16
)

// admit refuses a stream that there is no room for. Else it counts the stream
// where there is to be one, which leave uncounts.
func (s *server) admit(ctx context.Context, g Group, count bool) *Rejection {
	full, _, why := s.tryAdmit(g, count)
	if !full {
		return why
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > roomWaiters {
		return why
	}
	late := time.NewTimer(roomPatience)
	defer late.Stop()
	for {
		var left <-chan struct{}
		if full, left, why = s.tryAdmit(g, count); !full {
			return why
		}
		select {
		case <-left:
		case <-late.C:
			return why
		case <-ctx.Done():
			return why
		}
	}
}

// tryAdmit reports too whether it is only for want of room that it refuses,
// and what is closed when a stream leaves.
func (s *server) tryAdmit(g Group, count bool) (full bool, left <-chan struct{}, why *Rejection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closing, !s.drainsUntil.IsZero():
		return false, nil, s.draining()
	case s.h.MaxConnections > 0 && s.count >= s.h.MaxConnections:
		return true, s.leaves, &Rejection{Status: 429, Type: "connection-limit", Title: "Too many connections",
			Detail: "the server holds as many streams as it may", RetryAfter: heartbeat.Spread(10*time.Second, 0.5)}
	}
	if count {
		s.count++
		s.groups[g]++
	}
	return false, nil, nil
}
