package scenario

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/observe"
	"github.com/sluice-stream/sluice/loadtest/internal/times"
)

// warm publishes for a while before anything is measured.
func (r *runner) warm() error {
	if r.warmUp == 0 {
		return nil
	}
	r.sampler.phase("warm-up")
	p := r.plan(0, r.warmUp)
	if err := r.publish(p); err != nil {
		return err
	}
	return r.settle()
}

// measured publishes a plan and waits until it has arrived, while beside goes
// on, and all of that counts.
func (r *runner) measured(events int, length time.Duration, beside func(ctx context.Context) error) error {
	r.sampler.phase("measure")
	r.measuredFrom = time.Now()
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		if beside == nil {
			done <- nil
			return
		}
		done <- beside(ctx)
	}()
	err := r.publish(r.plan(events, length))
	r.publishedAt = time.Now()
	cancel()
	err = errors.Join(err, <-done)
	if err == nil {
		err = r.settle()
	}
	r.settledAt = r.settled.At
	r.sampler.phase("end")
	return err
}

// steady publishes at a rate, while some streams come and go.
func (r *runner) steady() error {
	if err := r.warm(); err != nil {
		return err
	}
	var beside func(context.Context) error
	if r.churn > 0 {
		beside = r.comeAndGo
	}
	return r.measured(r.events, r.duration, beside)
}

// comeAndGo cuts some streams off every second.
func (r *runner) comeAndGo(ctx context.Context) error {
	due := 0.0
	for pause(ctx, time.Second) {
		due += r.churn
		if n := int(due); n > 0 {
			due -= float64(n)
			if err := r.crew.Cut(n); err != nil {
				return err
			}
		}
	}
	return nil
}

// pause waits, and reports whether ctx has not ended.
func pause(ctx context.Context, d time.Duration) bool { return times.Until(ctx, time.Now().Add(d)) }

// storms cuts all streams off again and again.
func (r *runner) storms() error {
	if err := r.warm(); err != nil {
		return err
	}
	return r.measured(r.events, r.duration, func(ctx context.Context) error {
		storms := 0.0
		for pause(ctx, min(r.every, r.duration/2)) {
			if err := errors.Join(r.crew.Cut(0), r.crew.Return(r.backOff)); err != nil {
				return err
			}
			storms++
			r.note("storms", storms)
		}
		return nil
	})
}

// resumed publishes while nobody is there, and measures how long all take to
// have it.
func (r *runner) resumed() error {
	if err := r.warm(); err != nil {
		return err
	}
	if err := r.crew.Cut(0); err != nil {
		return err
	}
	r.sampler.phase("away")
	p := r.plan(r.missed, 0)
	p.Rate = 0
	if err := r.publish(p); err != nil {
		return err
	}
	r.sampler.phase("measure")
	r.measuredFrom = time.Now()
	r.publishedAt = r.measuredFrom
	if err := r.crew.Return(r.backOff); err != nil {
		return err
	}
	err := r.settle()
	r.settledAt = r.settled.At
	r.note("resume_s", r.settledAt.Sub(r.measuredFrom).Seconds())
	r.sampler.phase("end")
	return err
}

// connected measures what idle streams take, and how long one event takes to all.
func (r *runner) connected() error {
	r.sampler.phase("idle")
	if !pause(r.ctx, max(r.warmUp, 5*time.Second)) { // until what a handshake took is given back
		return r.ctx.Err()
	}
	r.sampler.look()
	idle, kernel := r.sampler.target(), observe.Kernel()
	if n := r.report.Figures["streams"]; n > 0 {
		if r.target.Any() {
			r.note("memory_per_stream_bytes", (idle.RSS-r.sampler.first.RSS)/n)
		}
		if r.local() {
			// Of both ends, as both are on this machine.
			r.note("kernel_memory_per_stream_bytes", (kernel-r.sampler.kernel)/n)
		}
		r.note("connect_rate_per_s", n/r.report.Figures["connect_s"])
	}
	err := r.measured(max(r.events, r.topics), 0, nil)
	if r.settled.Behind == 0 {
		r.note("to_all_ms", float64(r.settledAt.Sub(r.measuredFrom).Microseconds())/1000)
	}
	return err
}
