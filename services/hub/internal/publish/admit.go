package publish

import (
	"net/http"
	"time"

	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/sse"
)

// admitPublish decides who may publish to a topic, and returns the subject.
// A batch is counted when it has been read; before that there has to be room
// for one event.
func (p *Publisher) admitPublish(r *http.Request, topic string, form form) (subject string, why *sse.Rejection) {
	if subject, why = p.Front.MayPublish(r, topic); why != nil {
		return "", why
	}
	if err := p.breaker.Check(); err != nil {
		return "", front.RejectionOf(err)
	}
	var wait time.Duration
	ok := false
	if from := front.CallerOf(r).Address; form.batch() {
		wait, ok = p.rate.Ready(from)
	} else {
		wait, ok = p.rate.Take(from, 1)
	}
	if !ok {
		return "", tooFast(wait)
	}
	return subject, nil
}

func tooFast(wait time.Duration) *sse.Rejection {
	return &sse.Rejection{Status: http.StatusTooManyRequests, Type: "publish-rate", Title: "Too many events",
		Detail: "your address publishes more events a second than it may", RetryAfter: wait}
}
