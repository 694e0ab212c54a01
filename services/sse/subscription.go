package sse

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// subscription is what a request asks for.
type subscription struct {
	topics    []string
	starts    []wire.Start // one for each topic
	presented bool         // the starts come from an id in the request
	release   string
	pong      bool   // the heartbeat is to be two-way
	client    string // the client_id of a named client; else empty
	key       string // the same together with its subject, where it is remembered
	admission *Admission
}

// parseSubscription reads a request.
func (h *Handler) parseSubscription(r *http.Request) (*subscription, *Rejection) {
	if r.ContentLength != 0 { // not by Body: HTTP/2 has one for every request
		return nil, &Rejection{Status: 400, Type: "unexpected-body", Detail: "a subscription is a GET without a body"}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &Rejection{Status: 400, Type: "invalid-query", Detail: "the query string is malformed: " + err.Error()}
	}
	s := &subscription{release: h.releaseOf(r, query)}
	var why *Rejection
	if s.topics, why = h.parseTopics(query["topic"]); why != nil {
		return nil, why
	}
	if s.pong, why = parseHeartbeat(query.Get("heartbeat")); why != nil {
		return nil, why
	}
	if s.client, why = parseClient(query.Get("client_id")); why != nil {
		return nil, why
	}
	return s, s.parseStarts(r, query)
}

func (h *Handler) parseTopics(names []string) ([]string, *Rejection) {
	var topics []string
	for _, name := range names {
		if !wire.ValidTopic(name) {
			return nil, &Rejection{Status: 400, Type: "invalid-topic",
				Detail: fmt.Sprintf("%q is not a topic: want 1 to 128 of A-Z a-z 0-9 . _ -, not starting with a dot", clip(name))}
		}
		if !slices.Contains(topics, name) {
			topics = append(topics, strings.Clone(name)) // not to keep the request's line alive
		}
		if most := or(h.MaxTopics, DefaultMaxTopics); len(topics) > most {
			return nil, &Rejection{Status: 400, Type: "too-many-topics",
				Detail: fmt.Sprintf("a connection may have at most %d topics", most)}
		}
	}
	if len(topics) == 0 {
		return nil, &Rejection{Status: 400, Type: "missing-topic", Detail: "say which topic to follow: ?topic=orders"}
	}
	return topics, nil
}

// ReleaseOf returns the release that the stream of a request is pinned to.
func (h *Handler) ReleaseOf(r *http.Request) string { return h.releaseOf(r, r.URL.Query()) }

// releaseOf returns the release that a caller is pinned to: the header's or
// else the query's where that is known, else the server's own.
func (h *Handler) releaseOf(r *http.Request, query url.Values) string {
	own := or(h.Release, "stable")
	asked := r.Header.Get("X-Release-Version")
	if asked == "" {
		asked = query.Get("release")
	}
	if i := slices.Index(h.Releases, asked); i >= 0 {
		return h.Releases[i]
	}
	return own
}

func parseHeartbeat(mode string) (pong bool, why *Rejection) {
	switch mode {
	case "", "comment":
		return false, nil
	case "pong":
		return true, nil
	}
	return false, &Rejection{Status: 400, Type: "invalid-heartbeat",
		Detail: fmt.Sprintf("%q is no heartbeat: want pong or comment", clip(mode))}
}

// MaxClientID is the longest name of a named client, in bytes.
const MaxClientID = 128

func parseClient(name string) (string, *Rejection) {
	unprintable := func(r rune) bool { return r <= ' ' || r > '~' }
	if len(name) > MaxClientID || strings.ContainsFunc(name, unprintable) {
		return "", &Rejection{Status: 400, Type: "invalid-client-id",
			Detail: fmt.Sprintf("a client_id is at most %d printable ASCII characters without spaces", MaxClientID)}
	}
	return strings.Clone(name), nil
}

// parseStarts finds where to begin: at the id that the request presents, else
// at the head. Named clients that present nothing are looked up once they are
// admitted.
func (s *subscription) parseStarts(r *http.Request, query url.Values) *Rejection {
	position, err := presentedID(r.Header, query)
	if err != nil {
		return &Rejection{Status: 400, Type: "invalid-last-event-id", Detail: err.Error()}
	}
	s.presented = position != ""
	if s.starts, err = wire.ParsePosition(position, s.topics); err != nil {
		return &Rejection{Status: 400, Type: "invalid-last-event-id",
			Detail: fmt.Sprintf("%v (got %q)", err, clip(position))}
	}
	return nil
}

// admit takes what was found out about the caller. A named client that
// presents no id begins where it has acknowledged.
func (s *subscription) admit(h *Handler, a *Admission) {
	s.admission = a
	if s.client == "" || h.Clients == nil {
		return
	}
	s.key = clientKey(a, s.client)
	if !s.presented {
		s.starts = startsFrom(h.Clients.Acknowledged(s.key), s.topics)
	}
}

// presentedNames are the names that an id has in a query, those that win first.
// Polyfills of EventSource, which set no headers, put what they have read last
// behind an address that may have a last_event_id from where it began.
var presentedNames = [][]string{{"lastEventId", "lastEventID", "Last-Event-ID"}, {"last_event_id"}}

// presentedID returns the id to resume from, empty where there is none. Two
// that disagree are an error: going by either could leave out events.
func presentedID(header http.Header, query url.Values) (string, error) {
	if id := header.Get("Last-Event-ID"); id != "" {
		return id, nil
	}
	for _, names := range presentedNames {
		id := ""
		for _, name := range names {
			for _, value := range query[name] {
				if id != "" && value != "" && value != id {
					return "", fmt.Errorf("two ids that disagree: %q and %q", clip(id), clip(value))
				}
				id = or(id, value)
			}
		}
		if id != "" {
			return id, nil
		}
	}
	return "", nil
}

// startsFrom returns the starts of topics; those without a position begin at
// the head.
func startsFrom(at map[string]eventlog.ID, topics []string) []wire.Start {
	starts := make([]wire.Start, len(topics))
	for i, topic := range topics {
		id, known := at[topic]
		starts[i] = wire.Start{Head: !known, ID: id}
	}
	return starts
}

// clip bounds what an answer repeats of a request.
func clip(s string) string {
	if len(s) > 200 {
		return s[:200] + "…"
	}
	return s
}

func or[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
