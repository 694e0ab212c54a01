package probe

import (
	"log/slog"
	"sync"
)

// said logs what goes on, a line for each change of state.
type said struct {
	log *slog.Logger

	mu                       sync.Mutex // guards what follows
	publishFails, streamGone bool
}

// publish notes the end of a publish; nil is success.
func (s *said) publish(err error) { s.change(&s.publishFails, "publishing", err) }

// stream notes why the stream ended or could not be had; nil: it is open.
func (s *said) stream(err error) { s.change(&s.streamGone, "the stream", err) }

func (s *said) change(bad *bool, what string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && !*bad:
		s.log.Warn(what+" fails", "error", err.Error())
	case err == nil && *bad:
		s.log.Info(what + " goes on")
	}
	*bad = err != nil
}
