package front

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

// Reject answers with a problem document, or on the stream's route in the form
// that the caller asks for.
func Reject(w http.ResponseWriter, r *http.Request, why *sse.Rejection) {
	FactsIn(r.Context()).Refuse(why.Status, why.Type)
	if r.URL.Path == StreamPath {
		sse.WriteRejection(w, r, why, TraceID(r))
		return
	}
	sse.WriteProblem(w, why, TraceID(r))
}

// RejectionOf maps what the log answers to what the caller is told. Errors
// that it does not know are ours.
func RejectionOf(err error) *sse.Rejection {
	var refused *admission.Refused
	switch {
	case errors.As(err, &refused):
		return breakerOpen(refused)
	case errors.Is(err, eventlog.ErrTooManyTopics):
		return &sse.Rejection{Status: 429, Type: "topic-limit", Title: "Too many topics",
			Detail: "no further topic can be made until another is empty", RetryAfter: Jittered(10 * time.Second)}
	case errors.Is(err, eventlog.ErrKeyReused):
		return &sse.Rejection{Status: 422, Type: "idempotency-key-reused", Title: "Idempotency key reused",
			Detail: "the idempotency key, or the source and id of the CloudEvent, belongs to an event with another type, key or data"}
	case errors.Is(err, eventlog.ErrTopicEnded): // by a later release
		return &sse.Rejection{Status: 409, Type: "topic-ended", Title: "Topic ended", Detail: "the topic has ended: nothing is published to it any more"}
	case errors.Is(err, eventlog.ErrStoreFailed):
		return &sse.Rejection{Status: 503, Type: "store-failed", Title: "Store failed",
			Detail: "the event could not be stored", RetryAfter: Jittered(4 * time.Second)}
	case errors.Is(err, eventlog.ErrClosed):
		return &sse.Rejection{Status: 503, Type: "shutting-down",
			Detail: "the hub is shutting down", RetryAfter: Jittered(4 * time.Second)}
	case errors.Is(err, context.DeadlineExceeded):
		return &sse.Rejection{Status: 504, Type: "store-timeout", Title: "Store timed out",
			Detail: "the store did not answer in time; the event may have been stored or not"}
	}
	return &sse.Rejection{Status: 500, Type: "internal", Detail: "the hub failed; its log says more under the trace id"}
}

// Jittered spreads the return of callers that were sent away together.
func Jittered(d time.Duration) time.Duration {
	return d/2 + rand.N(d)
}

// breakerOpen answers what an open breaker refuses.
func breakerOpen(r *admission.Refused) *sse.Rejection {
	return &sse.Rejection{Status: 429, Type: "breaker-open", Title: "Store unavailable",
		Detail: "the store has failed several times in a row and is given a rest", RetryAfter: max(r.After, time.Second)}
}

// InvalidTopic refuses what no topic can be called.
func InvalidTopic() *sse.Rejection {
	return &sse.Rejection{Status: 400, Type: "invalid-topic", Title: "Invalid topic",
		Detail: "a topic is 1 to 128 of A-Z a-z 0-9 . _ -, not starting with a dot"}
}

// InvalidQuery refuses a query for what is wrong with it.
func InvalidQuery(detail string) *sse.Rejection {
	return &sse.Rejection{Status: 400, Type: "invalid-query", Title: "Invalid query", Detail: detail}
}

// MalformedQuery refuses a query that is none.
func MalformedQuery() *sse.Rejection { return InvalidQuery("the query string is malformed") }

// NoConnection answers who names a stream that is not there.
func NoConnection() *sse.Rejection {
	return &sse.Rejection{Status: http.StatusNotFound, Type: "no-such-connection", Title: "No such connection",
		Detail: "no open stream of this hub has that id; it may have ended"}
}
