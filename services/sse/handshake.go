package sse

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
	"github.com/sluice-stream/sluice/services/wire"
)

// handshake is a subscription that was accepted: the stream it reads, and
// what the client is told first.
type handshake struct {
	stream   stream.Stream
	id       [16]byte
	release  string
	pong     bool // the heartbeat is two-way
	trace    Trace
	outcomes []eventlog.Outcome
	gaps     []*eventlog.GapError
	position string // what the stream starts after
	opening  []byte // stream.open, and a stream.gap for each gap
}

// open decides where the stream starts in each topic, and composes what the
// client is told of it. The handshake's topics must be released.
func (h *Handler) open(r *http.Request, s *subscription) *handshake {
	topics, starts := s.topics, s.starts
	hs := &handshake{stream: stream.Stream{Subs: make([]stream.Sub, len(topics))}, release: s.release,
		pong: h.pongs(s)}
	rand.Read(hs.id[:]) // never fails
	hs.trace = h.traceOf(r)
	told := make([]wire.OpenTopic, len(topics))
	presented := make([]eventlog.ID, len(topics))
	for i, name := range topics {
		t := h.logOf(name).Follow(name)
		state, exists := t.State()
		if !exists && !starts[i].Head {
			h.serve().unknown.Add(1)
		}
		at, outcome := state.Last, eventlog.OutcomeLive
		if !starts[i].Head {
			at, outcome = state.Resume(starts[i].ID)
		}
		presented[i] = at
		switch outcome {
		case eventlog.OutcomeGap:
			// A client cut off before it reads of the gap presents this again
			// and is told again.
			presented[i] = starts[i].ID
			hs.gaps = append(hs.gaps, &eventlog.GapError{Topic: name, After: starts[i].ID, Through: at, Cause: eventlog.Expired})
		case eventlog.OutcomeAhead:
			hs.gaps = append(hs.gaps, &eventlog.GapError{Topic: name, After: starts[i].ID, Through: at, Cause: eventlog.Ahead})
		default:
			hs.gaps = append(hs.gaps, nil)
		}
		hs.stream.Subs[i] = stream.Sub{Cursor: eventlog.Cursor{Topic: t, At: presented[i]}, Own: h.own(name)}
		switch {
		case at == state.Last:
			hs.stream.Subs[i].Stand(state.Number)
		case at == state.Trimmed: // all that is there is to come
			hs.stream.Subs[i].Stand(state.Number - uint64(state.Events))
		}
		if at.Less(state.Last) && outcome != eventlog.OutcomeAhead && !h.own(name) {
			hs.stream.BeginReplay(&hs.stream.Subs[i], state.Last)
		}
		hs.outcomes = append(hs.outcomes, outcome)
		told[i] = wire.OpenTopic{Topic: name, Outcome: string(outcome), After: presented[i].String(),
			Oldest: stream.IDOrNone(state.Oldest), Head: state.Last.String()}
	}
	hs.compose(h, told)
	return hs
}

func (h *Handler) traceOf(r *http.Request) Trace {
	if h.Trace == nil {
		return Trace{}
	}
	return h.Trace(r)
}

// pongs reports whether a stream is to have a two-way heartbeat.
func (h *Handler) pongs(s *subscription) bool { return s.pong && h.heartbeatRules().Interval > 0 }

// compose writes the opening and moves the cursors over gaps.
func (hs *handshake) compose(h *Handler, told []wire.OpenTopic) {
	position := hs.stream.AppendPosition(nil, nil)
	hs.position = string(position)
	out := appendRetry(nil)
	out = wire.AppendControl(out, position, wire.TypeOpen, wire.Open{
		Connection: h.connectionID(hs.id),
		Node:       h.Node,
		Release:    hs.release,
		TraceID:    hs.trace.String(),
		Heartbeat:  hs.heartbeat(h),
		Topics:     told,
	})
	for i, g := range hs.gaps {
		if g != nil {
			u := &hs.stream.Subs[i]
			u.At = g.Through
			out = hs.stream.AppendGap(out, g, u)
		}
	}
	hs.opening = out
}

// heartbeat is what the client is told of it.
func (hs *handshake) heartbeat(h *Handler) wire.Heartbeat {
	if !hs.pong {
		interval := or(h.HeartbeatInterval, DefaultHeartbeatInterval)
		return wire.Heartbeat{Mode: "comment", IntervalMS: max(interval, 0).Milliseconds()}
	}
	rules := h.heartbeatRules()
	told := wire.Heartbeat{Mode: "pong", IntervalMS: rules.Interval.Milliseconds()}
	if rules.Timeout < heartbeat.Never {
		told.TimeoutMS = rules.Timeout.Milliseconds()
	}
	return told
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

// streamHeader sets what every event stream has.
func streamHeader(to http.Header) {
	to.Set("Content-Type", "text/event-stream; charset=utf-8")
	// Some proxies and most development servers compress what they pass on, and
	// hold it back until there is enough, unless they are told not to (RFC 9111,
	// section 5.2.2.6).
	to.Set("Cache-Control", "no-cache, no-transform")
	to.Set("X-Accel-Buffering", "no")
}

// header sets the headers of a stream.
func (hs *handshake) header(to http.Header) {
	streamHeader(to)
	to.Set("Last-Event-ID", hs.position)
	to.Set("X-Release-Version", hs.release)
	// A middleware that announced a compressed or measured body was wrong.
	to.Del("Content-Encoding")
	to.Del("Content-Length")
}

// head composes the head of an HTTP/1.1 answer whose socket is taken over,
// with the headers that middlewares set.
func (hs *handshake) head(set http.Header, keepAlive bool) []byte {
	set = set.Clone()
	hs.header(set)
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
