package sse

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// retryBase is the middle of the reconnection times that streams announce.
const retryBase = 2 * time.Second

// handshake is a subscription that was accepted: the stream it reads, and
// what the client is told first.
type handshake struct {
	stream   stream
	id       [16]byte
	trace    string
	outcomes []eventlog.Outcome
	gaps     []*eventlog.GapError
	position string // what the stream starts after
	opening  []byte // stream.open, and a stream.gap for each gap
}

// parseSubscription reads topics and position of a request.
func (h *Handler) parseSubscription(r *http.Request) ([]string, []start, *Rejection) {
	if r.ContentLength != 0 { // not by Body: HTTP/2 has one for every request
		return nil, nil, &Rejection{Status: 400, Type: "unexpected-body", Detail: "a subscription is a GET without a body"}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, nil, &Rejection{Status: 400, Type: "invalid-query", Detail: "the query string is malformed: " + err.Error()}
	}
	var topics []string
	for _, name := range query["topic"] {
		if !eventlog.ValidTopic(name) {
			return nil, nil, &Rejection{Status: 400, Type: "invalid-topic",
				Detail: fmt.Sprintf("%q is not a topic: want 1 to 128 of A-Z a-z 0-9 . _ -, not starting with a dot", clip(name))}
		}
		if !slices.Contains(topics, name) {
			topics = append(topics, name)
		}
		if most := or(h.MaxTopics, DefaultMaxTopics); len(topics) > most {
			return nil, nil, &Rejection{Status: 400, Type: "too-many-topics",
				Detail: fmt.Sprintf("a connection may have at most %d topics", most)}
		}
	}
	if len(topics) == 0 {
		return nil, nil, &Rejection{Status: 400, Type: "missing-topic", Detail: "say which topic to follow: ?topic=orders"}
	}
	position := r.Header.Get("Last-Event-ID")
	if position == "" {
		position = query.Get("last_event_id")
	}
	starts, err := parsePosition(position, topics)
	if err != nil {
		return nil, nil, &Rejection{Status: 400, Type: "invalid-last-event-id",
			Detail: fmt.Sprintf("%v (got %q)", err, clip(position))}
	}
	return topics, starts, nil
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

// open decides where the stream starts in each topic, and composes what the
// client is told of it. The handshake's topics must be released.
func (h *Handler) open(r *http.Request, topics []string, starts []start) *handshake {
	hs := &handshake{stream: stream{subs: make([]sub, len(topics))}}
	rand.Read(hs.id[:]) // never fails
	if h.TraceID != nil {
		hs.trace = strings.Clone(h.TraceID(r)) // not to keep the request's headers alive
	}
	told := make([]openTopic, len(topics))
	presented := make([]eventlog.ID, len(topics))
	for i, name := range topics {
		t := h.Log.Follow(name)
		state, _ := t.State()
		at, outcome := state.Last, eventlog.OutcomeLive
		if !starts[i].head {
			at, outcome = state.Resume(starts[i].id)
		}
		presented[i] = at
		switch outcome {
		case eventlog.OutcomeGap:
			// A client cut off before it reads of the gap presents this again
			// and is told again.
			presented[i] = starts[i].id
			hs.gaps = append(hs.gaps, &eventlog.GapError{Topic: name, After: starts[i].id, Through: at, Cause: eventlog.Expired})
		case eventlog.OutcomeAhead:
			hs.gaps = append(hs.gaps, &eventlog.GapError{Topic: name, After: starts[i].id, Through: at, Cause: eventlog.Ahead})
		default:
			hs.gaps = append(hs.gaps, nil)
		}
		hs.stream.subs[i].Cursor = eventlog.Cursor{Topic: t, At: presented[i]}
		hs.outcomes = append(hs.outcomes, outcome)
		told[i] = openTopic{name, outcome, presented[i].String(), idOrNone(state.Oldest), state.Last.String()}
	}
	hs.compose(h, told)
	return hs
}

// compose writes the opening and moves the cursors over gaps.
func (hs *handshake) compose(h *Handler, told []openTopic) {
	position := hs.stream.appendPosition(nil)
	hs.position = string(position)
	interval := or(h.HeartbeatInterval, DefaultHeartbeatInterval)
	out := appendRetry(nil, retryBase)
	out = appendControl(out, position, "stream.open", openEvent{
		Connection: h.connectionID(hs.id),
		Node:       h.Node,
		Release:    or(h.Release, "stable"),
		TraceID:    hs.trace,
		Heartbeat:  openHeartbeat{"comment", max(interval, 0).Milliseconds()},
		Topics:     told,
	})
	for i, g := range hs.gaps {
		if g != nil {
			u := &hs.stream.subs[i]
			u.At = g.Through
			out = hs.stream.appendGap(out, g, u.Topic)
		}
	}
	hs.opening = out
}

// connectionID is the name of a connection: its server and 128 random bits.
func (h *Handler) connectionID(id [16]byte) string {
	text := hex.EncodeToString(id[:])
	if h.Node == "" {
		return text
	}
	return h.Node + "-" + text
}

func (h *Handler) parseConnectionID(s string) (id [16]byte, ok bool) {
	if h.Node != "" {
		s, ok = strings.CutPrefix(s, h.Node+"-")
		if !ok {
			return id, false
		}
	}
	if len(s) != 2*len(id) {
		return id, false
	}
	_, err := hex.Decode(id[:], []byte(s))
	return id, err == nil
}

// header sets the headers of a stream.
func (hs *handshake) header(h *Handler, to http.Header) {
	to.Set("Content-Type", "text/event-stream; charset=utf-8")
	to.Set("Cache-Control", "no-cache")
	to.Set("X-Accel-Buffering", "no")
	to.Set("Last-Event-ID", hs.position)
	to.Set("X-Release-Version", or(h.Release, "stable"))
	// A middleware that announced a compressed or measured body was wrong.
	to.Del("Content-Encoding")
	to.Del("Content-Length")
}

// head composes the head of an HTTP/1.1 answer whose socket is taken over,
// with the headers that middlewares set.
func (hs *handshake) head(h *Handler, set http.Header, keepAlive bool) []byte {
	set = set.Clone()
	hs.header(h, set)
	set.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	set.Set("Transfer-Encoding", "chunked")
	set.Set("Connection", "keep-alive")
	if !keepAlive {
		set.Set("Connection", "close")
	}
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\n")
	_ = set.Write(&b) // to a buffer: cannot fail
	b.WriteString("\r\n")
	return b.Bytes()
}
