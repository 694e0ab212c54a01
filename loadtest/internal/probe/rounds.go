package probe

import (
	"log/slog"
	"time"

	"golang.org/x/time/rate"

	"github.com/sluice-stream/sluice/loadtest/internal/logging"
)

// What is logged of the rounds of a target that fail, as long as they do: the
// first few, and then one now and then.
const (
	failuresAtOnce = 5
	failuresEvery  = 10 * time.Second
)

// rounds are those of one target: all are counted, and some have a line. Those
// whose trace is sampled have one in any case, so that the trace leads to it. It
// is not safe for concurrent use.
type rounds struct {
	*targetMetrics
	log     *slog.Logger
	fails   *rate.Limiter
	leftOut int // failures without a line since the last that has one
}

func newRounds(m *targetMetrics, log *slog.Logger) *rounds {
	return &rounds{targetMetrics: m, log: log, fails: rate.NewLimiter(rate.Every(failuresEvery), failuresAtOnce)}
}

// succeeded implements outcomes.
func (s *rounds) succeeded(r *round, took time.Duration) {
	s.targetMetrics.succeeded(r, took)
	if r.trace.Sampled {
		s.log.Info("the round succeeded", "event_type", "probe", "trace_id", r.trace.ID, "duration_ms", logging.Milliseconds(took))
	}
}

// failed implements outcomes.
func (s *rounds) failed(r *round, why reason) {
	s.targetMetrics.failed(r, why)
	if !s.fails.Allow() && !r.trace.Sampled {
		s.leftOut++
		return
	}
	fields := []any{"event_type", "probe", "trace_id", r.trace.ID, "reason", string(why)}
	if r.refused != nil {
		fields = append(fields, "error", r.refused.Error())
	}
	if s.leftOut > 0 {
		fields = append(fields, "left_out", s.leftOut)
	}
	s.leftOut = 0
	s.log.Warn("the round failed", fields...)
}
