package client

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

var (
	// ErrSilent is why a stream was given up: nothing came for longer than the
	// server's heartbeats allow. Something on the way swallows it.
	ErrSilent = errors.New("client: the stream has fallen silent")
	// ErrNoAnswer is why an attempt was given up: no answer came in time.
	ErrNoAnswer = errors.New("client: no answer came in time")
	// ErrExpired is why the server ended a stream: its token has run out.
	ErrExpired = errors.New("client: the stream's token has expired")

	errEnded = errors.New("client: the server has ended the stream")
)

// RejectedError is a server's refusal, of a subscription or of an event.
type RejectedError struct {
	// Status is the HTTP status, also where it came within a stream.
	Status int
	// Type names the reason, such as "urn:sluice:problem:forbidden"; with
	// Detail and TraceID it is empty where something else than a hub answered.
	Type, Detail string
	// TraceID is by what the hub's logs know the request.
	TraceID string
	// RetryAfter is how long the server wants to be left alone; 0: it didn't say.
	RetryAfter time.Duration
	// Permanent: the same request would be refused again.
	Permanent bool
}

func (e *RejectedError) Error() string {
	text := fmt.Sprintf("rejected: %d %s", e.Status, http.StatusText(e.Status))
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.TraceID != "" {
		text += " (trace " + e.TraceID + ")"
	}
	return text
}

// problem is what is read of an RFC 9457 document, of stream.rejected, and of
// a line of a batch's answer.
type problem struct {
	Status    int    `json:"status"`
	Type      string `json:"type"`
	Title     string `json:"title"`
	Detail    string `json:"detail"`
	TraceID   string `json:"trace_id"`
	Permanent bool   `json:"permanent"`
}

// maxAnswer bounds what is read of an answer that is no stream.
const maxAnswer = 64 << 10

// rejection reads a refusal. Anything may have sent it.
func rejection(answer *http.Response) *RejectedError {
	body, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer)) // a part of it will do
	var p problem
	_ = json.Unmarshal(body, &p)
	e := &RejectedError{Status: answer.StatusCode, Type: p.Type, Detail: p.Detail, TraceID: p.TraceID, RetryAfter: retryAfter(answer.Header)}
	if e.Detail == "" {
		e.Detail = p.Title
	}
	return e
}

// maxServerWait bounds what servers may ask for.
const maxServerWait = time.Hour

// retryAfter reads Retry-After in its two forms (RFC 9110, section 10.2.3).
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return min(time.Duration(n)*time.Second, maxServerWait)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), maxServerWait)
	}
	return 0
}

// withoutURL takes the address out of an error of net/http: a query may hold
// what nobody should log.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
