package probe

import (
	"log/slog"
	"sync"

	"github.com/sluice-stream/sluice/loadtest/internal/target"
)

// said logs what goes on, a line for each change of state, with the trace that
// it was seen in.
type said struct {
	log *slog.Logger

	mu                       sync.Mutex // guards what follows
	publishFails, streamGone bool
}

// publish notes the end of a publish; nil is success.
func (s *said) publish(err error, in target.Trace) { s.change(&s.publishFails, "publishing", err, in) }

// stream notes why the stream ended or could not be had; nil: it is open.
func (s *said) stream(err error, in target.Trace) { s.change(&s.streamGone, "the stream", err, in) }

func (s *said) change(bad *bool, what string, err error, in target.Trace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil && !*bad:
		s.log.Warn(what+" fails", "event_type", "sse_error", "trace_id", in.ID, "error", err.Error())
	case err == nil && *bad:
		s.log.Info(what+" goes on", "event_type", "probe", "trace_id", in.ID)
	}
	*bad = err != nil
}
