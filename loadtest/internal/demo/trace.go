package demo

import (
	"errors"

	"github.com/sluice-stream/sluice/loadtest/internal/target"
)

// tracedError is what went wrong in a trace.
type tracedError struct {
	error
	trace string
}

func (e tracedError) Unwrap() error { return e.error }

// in says in which trace something went wrong; nil stays nil.
func in(t target.Trace, err error) error {
	if err == nil {
		return nil
	}
	return tracedError{err, t.ID}
}

// traceOf returns the attribute of a line about an error, where there is a trace.
func traceOf(err error) []any {
	var traced tracedError
	if errors.As(err, &traced) {
		return []any{"trace_id", traced.trace}
	}
	return nil
}

// tell logs what was done in a trace that is sampled, so that the trace leads to
// the line: err is what became of it.
func (d *demo) tell(t target.Trace, event, did string, err error, fields ...any) {
	if !t.Sampled {
		return
	}
	fields = append([]any{"event_type", event, "trace_id", t.ID}, fields...)
	if err != nil {
		did, fields = "not "+did, append(fields, "error", err.Error())
	}
	d.log.Info(did, fields...)
}
