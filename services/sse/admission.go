package sse

import (
	"net/http"
	"time"
)

// Admit decides who may subscribe. It is called once for each well-formed
// request, HEAD among them, before anything is looked up for it, from the
// request's own goroutine, and may wait for as long as a request may take. A
// rejection refuses the request; the Admission is ignored then.
type Admit func(r *http.Request, topics []string) (Admission, *Rejection)

// Admission is what an admitted stream is known by and how long it may last.
// It is kept for as long as the stream is open: its strings should not be
// parts of larger ones, and the subject no longer than names are.
type Admission struct {
	// Subject is whose stream it is. Named clients belong to one subject, and
	// pongs are taken from it alone. Empty: anybody's.
	Subject string
	// Address is what Conn.Remote shows, such as a client's behind a proxy.
	// Empty: the socket's.
	Address string
	// Expires is when the stream ends, in good order and after stream.expired.
	// Zero: never.
	Expires time.Time
	// Leave is called exactly once, when the stream has ended or could not
	// begin. It must not block: delivery loops call it. May be nil.
	Leave func()
}

func (a *Admission) leave() {
	if a != nil && a.Leave != nil {
		a.Leave()
	}
}

// endTime is what a stream that is told to end has for the rest of what it
// has begun. Its client resumes after what it got.
const endTime = 5 * time.Second

// expires returns when a stream ends; nil: never.
func (x *session) expires() *time.Time {
	if x.admission == nil || x.admission.Expires.IsZero() {
		return nil
	}
	return &x.admission.Expires
}

// admitted asks Admit about a request. Nil stands for the Admission of a
// handler that admits everybody.
func (h *Handler) admitted(r *http.Request, topics []string) (*Admission, *Rejection) {
	if h.Admit == nil {
		return nil, nil
	}
	a, why := h.Admit(r, topics)
	if why != nil {
		return nil, why
	}
	return &a, nil
}

// subject returns whose stream it is.
func (x *session) subject() string {
	if x.admission == nil {
		return ""
	}
	return x.admission.Subject
}

// clientKey names a client of a subject to [Clients]. No client_id has a NUL
// in it, so the last one is where the subject ends.
func clientKey(a *Admission, client string) string {
	if a == nil || a.Subject == "" {
		return client
	}
	return a.Subject + "\x00" + client
}
