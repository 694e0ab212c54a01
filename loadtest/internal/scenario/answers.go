package scenario

import (
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/tokens"
)

// written has answers written and read, and compares the texts.
func (r *runner) written() error {
	load := tokens.New(tokens.Options{Hub: &r.hub, Run: r.run, Prefix: r.prefix, Answers: r.answers, Readers: r.readers,
		Rate: r.rate, For: r.duration, Each: r.flush, Patience: r.patience})
	r.sampler.beside(load.Look)
	r.sampler.phase("measure")
	r.measuredFrom = time.Now()
	err := load.Run(r.ctx)
	r.publishedAt, r.settledAt = time.Now(), time.Now()
	r.sampler.phase("end")
	r.settled.Totals = load.Totals()
	r.report.Failures = append(r.report.Failures, load.Faults()...)
	r.note("first_token_p50_ms", load.FirstToken(.5))
	r.note("first_token_p99_ms", load.FirstToken(.99))
	return err
}
