package app

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/admission"
	"github.com/sluice-stream/sluice/services/sse"
)

// reject answers with a problem document, or on the stream's route in the form
// that the caller asks for.
func reject(w http.ResponseWriter, r *http.Request, why *sse.Rejection) {
	factsIn(r.Context()).refuse(why.Status, why.Type)
	if r.URL.Path == streamPath {
		sse.WriteRejection(w, r, why, traceID(r))
		return
	}
	sse.WriteProblem(w, why, traceID(r))
}

// rejectionOf maps what the log answers to what the caller is told. Errors
// that it does not know are ours.
func rejectionOf(err error) *sse.Rejection {
	var refused *admission.Refused
	switch {
	case errors.As(err, &refused):
		return breakerOpen(refused)
	case errors.Is(err, eventlog.ErrTooManyTopics):
		return &sse.Rejection{Status: 429, Type: "topic-limit", Title: "Too many topics",
			Detail: "no further topic can be made until another is empty", RetryAfter: jittered(10 * time.Second)}
	case errors.Is(err, eventlog.ErrKeyReused):
		return &sse.Rejection{Status: 422, Type: "idempotency-key-reused", Title: "Idempotency key reused",
			Detail: "the idempotency key, or the source and id of the CloudEvent, belongs to an event with another type, key or data"}
	case errors.Is(err, eventlog.ErrStoreFailed):
		return &sse.Rejection{Status: 503, Type: "store-failed", Title: "Store failed",
			Detail: "the event could not be stored", RetryAfter: jittered(4 * time.Second)}
	case errors.Is(err, eventlog.ErrClosed):
		return &sse.Rejection{Status: 503, Type: "shutting-down",
			Detail: "the hub is shutting down", RetryAfter: jittered(4 * time.Second)}
	case errors.Is(err, context.DeadlineExceeded):
		return &sse.Rejection{Status: 504, Type: "store-timeout", Title: "Store timed out",
			Detail: "the store did not answer in time; the event may have been stored or not"}
	}
	return &sse.Rejection{Status: 500, Type: "internal", Detail: "the hub failed; its log says more under the trace id"}
}

// jittered spreads the return of callers that were sent away together.
func jittered(d time.Duration) time.Duration {
	return d/2 + rand.N(d)
}
