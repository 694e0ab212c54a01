package sse

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// problem is an RFC 9457 problem document.
type problem struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Detail  string `json:"detail,omitempty"`
	TraceID string `json:"trace_id,omitempty"`
}

// ProblemTypePrefix starts the type of every problem.
const ProblemTypePrefix = "urn:sluice:problem:"

// WriteProblem answers with a problem document, and with Retry-After in whole
// seconds, rounded up, where the rejection says when to come back.
func WriteProblem(w http.ResponseWriter, r *Rejection, traceID string) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if r.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((r.RetryAfter+time.Second-1)/time.Second), 10))
	}
	title := r.Title
	if title == "" {
		title = http.StatusText(r.Status)
	}
	w.WriteHeader(r.Status)
	// An answer that cannot be written has nobody left to tell.
	_ = json.NewEncoder(w).Encode(problem{ProblemTypePrefix + r.Type, title, r.Status, r.Detail, traceID})
}
