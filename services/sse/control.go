package sse

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// heartbeatComment is what a silent stream carries.
const heartbeatComment = ": ping\n\n"

// openEvent is the data of stream.open.
type openEvent struct {
	Connection string        `json:"connection"`
	Node       string        `json:"node"`
	Release    string        `json:"release"`
	TraceID    string        `json:"trace_id,omitempty"`
	Heartbeat  openHeartbeat `json:"heartbeat"`
	Topics     []openTopic   `json:"topics"`
}

type openHeartbeat struct {
	Mode       string `json:"mode"`
	IntervalMS int64  `json:"interval_ms"`
	TimeoutMS  int64  `json:"timeout_ms,omitempty"` // for a pong
}

type openTopic struct {
	Topic   string           `json:"topic"`
	Outcome eventlog.Outcome `json:"outcome"`
	After   string           `json:"after"`
	Oldest  string           `json:"oldest,omitempty"`
	Head    string           `json:"head"`
}

// gapEvent is the data of stream.gap.
type gapEvent struct {
	Topic  string         `json:"topic"`
	After  string         `json:"after"`
	Oldest string         `json:"oldest,omitempty"`
	Head   string         `json:"head"`
	Reason eventlog.Cause `json:"reason"`
}

// rejectedEvent is the data of stream.rejected.
type rejectedEvent struct {
	Status    int    `json:"status"`
	Type      string `json:"type"`
	Detail    string `json:"detail,omitempty"`
	Permanent bool   `json:"permanent"`
	TraceID   string `json:"trace_id,omitempty"`
}

// drainEvent is the data of stream.drain.
type drainEvent struct {
	EndsInMS int64 `json:"ends_in_ms"`
}

// expiredEvent is the data of stream.expired.
type expiredEvent struct {
	ExpiredMS int64 `json:"expired_ms"` // milliseconds since the Unix epoch
}

// appendExpired appends the stream.expired of a stream.
func (a *Admission) appendExpired(dst []byte) []byte {
	return appendControl(dst, nil, "stream.expired", expiredEvent{a.Expires.UnixMilli()})
}

// appendControl appends a control event. An empty id leaves out its line.
func appendControl(dst []byte, id []byte, typ string, data any) []byte {
	if len(id) > 0 {
		dst = append(dst, "id: "...)
		dst = append(dst, id...)
		dst = append(dst, '\n')
	}
	text, err := json.Marshal(data)
	if err != nil {
		panic(err) // the types above always marshal
	}
	dst = append(dst, "event: "...)
	dst = append(dst, typ...)
	dst = append(dst, "\ndata: "...)
	dst = append(dst, text...)
	return append(dst, "\n\n"...)
}

// appendRetry appends the reconnection time for a client, spread so that
// clients cut off together do not come back together.
func appendRetry(dst []byte, base time.Duration) []byte {
	return appendRetryExactly(dst, jitter(base, 0.5))
}

func appendRetryExactly(dst []byte, d time.Duration) []byte {
	dst = append(dst, "retry: "...)
	dst = strconv.AppendInt(dst, d.Milliseconds(), 10)
	return append(dst, '\n')
}

// jitter returns d give or take a share of it.
func jitter(d time.Duration, share float64) time.Duration {
	return time.Duration(float64(d) * (1 + share*(2*rand.Float64()-1)))
}

// appendGap appends a stream.gap with the position after it as id.
func (s *stream) appendGap(dst []byte, g *eventlog.GapError, t *eventlog.Topic) []byte {
	state, _ := t.State()
	return appendControl(dst, s.appendPosition(nil), "stream.gap", gapEvent{
		Topic:  g.Topic,
		After:  g.After.String(),
		Oldest: idOrNone(state.Oldest),
		Head:   state.Last.String(),
		Reason: g.Cause,
	})
}

func idOrNone(id eventlog.ID) string {
	if id.IsZero() {
		return ""
	}
	return id.String()
}
