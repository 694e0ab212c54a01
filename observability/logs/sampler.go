package logs

import "golang.org/x/time/rate"

// Sampler decides which of many similar lines are logged, such as one for
// each event. It is safe for concurrent use.
type Sampler struct {
	any, traced *rate.Limiter
}

// NewSampler allows any lines of a second and, beside them, traced lines whose
// trace is sampled, so that what a trace shows is found in the log too.
func NewSampler(any, traced int) *Sampler {
	return &Sampler{
		any:    rate.NewLimiter(rate.Limit(any), any),
		traced: rate.NewLimiter(rate.Limit(traced), traced),
	}
}

// Allow reports whether to log a line now.
func (s *Sampler) Allow(traceSampled bool) bool {
	return traceSampled && s.traced.Allow() || s.any.Allow()
}
