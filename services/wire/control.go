package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"
)

// ControlPrefix begins the types of the server's own events. No publisher can
// use it ([ValidType]).
const ControlPrefix = "stream."

// The types of control events, and what their data are.
const (
	TypeOpen     = "stream.open"     // [Open]; the first event of every stream
	TypePing     = "stream.ping"     // [Ping]
	TypeGap      = "stream.gap"      // [Gap]; its id is where delivery goes on
	TypeDrain    = "stream.drain"    // [Drain]
	TypeExpired  = "stream.expired"  // [Expired]
	TypeRejected = "stream.rejected" // [Rejected]; its id is the one that was presented
)

// Open says what a stream is, and where it starts. Its id is the position that
// the stream starts after.
type Open struct {
	Connection string      `json:"connection"`
	Node       string      `json:"node"`
	Release    string      `json:"release"`
	TraceID    string      `json:"trace_id,omitempty"`
	Heartbeat  Heartbeat   `json:"heartbeat"`
	Topics     []OpenTopic `json:"topics"`
}

// Heartbeat is what a client can expect of a silent stream, and what is
// expected of it.
type Heartbeat struct {
	Mode       string `json:"mode"` // comment or pong
	IntervalMS int64  `json:"interval_ms"`
	TimeoutMS  int64  `json:"timeout_ms,omitempty"` // for a pong
}

// OpenTopic is where a stream starts in one topic.
type OpenTopic struct {
	Topic   string `json:"topic"`
	Outcome string `json:"outcome"` // live, replay, gap or ahead
	After   string `json:"after"`
	Oldest  string `json:"oldest,omitempty"` // first event that there is; empty: none
	Head    string `json:"head"`
}

// Gap says what is known of events that are gone.
type Gap struct {
	Topic  string `json:"topic"`
	After  string `json:"after"`            // all after this id
	Oldest string `json:"oldest,omitempty"` // first one that there is; empty: none
	Head   string `json:"head"`             // last id of the topic
	Reason string `json:"reason"`           // such as "expired", "ahead", "damaged"
}

// Rejected is a refusal in the form of a stream.
type Rejected struct {
	Status    int    `json:"status"` // of HTTP
	Type      string `json:"type"`   // of the problem
	Detail    string `json:"detail,omitempty"`
	Permanent bool   `json:"permanent"` // the same request would be refused again
	TraceID   string `json:"trace_id,omitempty"`
}

// Drain says that the server is about to end the stream.
type Drain struct {
	EndsInMS int64 `json:"ends_in_ms"`
}

// Expired says that the stream ends because its token has.
type Expired struct {
	ExpiredMS int64 `json:"expired_ms"` // milliseconds since the Unix epoch
}

// Ping asks for a pong with the same numbers.
type Ping struct {
	Seq uint64 `json:"seq"`
	TS  int64  `json:"ts"` // milliseconds since the Unix epoch, by the server's clock
}

// HeartbeatComment is what a silent stream carries.
const HeartbeatComment = ": ping\n\n"

// AppendControl appends a control event with one of the data above. An empty
// id leaves out its line.
func AppendControl(dst []byte, id []byte, typ string, data any) []byte {
	dst = append(dst, "event: "...)
	dst = append(dst, typ...)
	dst = append(dst, "\ndata: "...)
	text := bytes.NewBuffer(dst)
	e := json.NewEncoder(text)
	e.SetEscapeHTML(false) // it is for people's eyes too
	if err := e.Encode(data); err != nil {
		panic(err) // the types above always marshal
	}
	dst = bytes.TrimSuffix(text.Bytes(), []byte("\n"))
	if len(id) > 0 {
		dst = append(dst, "\n"+IDField...)
		dst = append(dst, id...)
	}
	return append(dst, EventEnd...)
}

// AppendPing appends a stream.ping, without an allocation.
func AppendPing(dst []byte, p Ping) []byte {
	dst = append(dst, "event: "+TypePing+"\ndata: {\"seq\":"...)
	dst = strconv.AppendUint(dst, p.Seq, 10)
	dst = append(dst, ",\"ts\":"...)
	dst = strconv.AppendInt(dst, p.TS, 10)
	return append(dst, "}\n\n"...)
}

// AppendRetry appends the time, in whole milliseconds, that clients are to wait
// before they come back.
func AppendRetry(dst []byte, d time.Duration) []byte {
	dst = append(dst, "retry: "...)
	dst = strconv.AppendInt(dst, d.Milliseconds(), 10)
	return append(dst, '\n')
}
