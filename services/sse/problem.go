package sse

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/wire"
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
	if r.Challenge != "" {
		h.Set("WWW-Authenticate", r.Challenge)
	}
	title := r.Title
	if title == "" {
		title = http.StatusText(r.Status)
	}
	w.WriteHeader(r.Status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false) // it is for people's eyes too
	// An answer that cannot be written has nobody left to tell.
	_ = e.Encode(problem{ProblemTypePrefix + r.Type, title, r.Status, r.Detail, traceID})
}

// WriteRejection refuses a subscription. A caller that says on_reject=retry
// in its query is a native EventSource, which gives up for good on any answer
// but 200: it gets a stream that says why, in stream.rejected, and when to
// come back, and ends. So does everybody while the server drains. All others
// get a problem document.
func WriteRejection(w http.ResponseWriter, r *http.Request, why *Rejection, traceID string) {
	query := r.URL.Query()
	// An EventSource sends nothing but GET.
	asked := query.Get("on_reject") == "retry" && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	if !asked && !why.drains {
		WriteProblem(w, why, traceID)
		return
	}
	permanent := why.permanent()
	retry := why.RetryAfter
	switch {
	case retry > 0:
	case permanent: // a page that doesn't listen must not hammer
		retry = heartbeat.Spread(retryPermanent, 0.5)
	default:
		retry = heartbeat.Spread(retryBase, 0.5)
	}
	body := wire.AppendRetry(nil, retry)
	presented, _ := presentedID(r.Header, query) // none is better than one of two
	body = wire.AppendControl(body, rejectedID(presented), wire.TypeRejected, wire.Rejected{
		Status: why.Status, Type: ProblemTypePrefix + why.Type, Detail: why.Detail, Permanent: permanent, TraceID: traceID,
	})
	h := w.Header()
	streamHeader(h)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body)
}

// retryPermanent is the reconnection time after a refusal that will not change.
const retryPermanent = time.Minute

// permanent reports whether the same request will be refused again.
func (r *Rejection) permanent() bool {
	return r.Status == http.StatusBadRequest || r.Status == http.StatusUnauthorized || r.Status == http.StatusForbidden
}

// rejectedID returns an id for the client to keep. One that could break a
// line was never ours.
func rejectedID(id string) []byte {
	if strings.ContainsAny(id, "\r\n\x00") {
		return nil
	}
	return []byte(id)
}
