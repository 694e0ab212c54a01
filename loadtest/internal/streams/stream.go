package streams

import (
	"strconv"

	"github.com/sluice-stream/sluice/loadtest/internal/account"
)

// Pace is how a stream is read.
type Pace uint8

// The paces.
const (
	Eager Pace = iota // at once
	Slow              // a little at a time
	Never             // not at all
)

// stream is one event stream through all of its connections. All of it is owned
// by what drives it.
type stream struct {
	number int // among all streams of the load test
	hub    int // which of the addresses it goes to
	pace   Pace
	topics []int // by number
	had    []account.Topic

	reply    reply  // of the connection that is open
	id       []byte // the last that it was given
	asked    int64  // when the connection should have been asked for: nanoseconds since the Unix epoch
	cut      int64  // since when it is without a connection it once had; 0: it has one, or never had
	up       bool   // events can come
	was      bool   // up before
	wait     int64  // that the server asks to wait before it comes back: nanoseconds
	final    bool   // it does not come back
	failures int    // in a row
}

// sub returns which of the stream's topics an event's is; below zero: none.
func (s *stream) sub(topic int) int {
	if len(s.topics) == 1 && s.topics[0] == topic {
		return 0
	}
	for i, t := range s.topics {
		if t == topic {
			return i
		}
	}
	return -1
}

// appendRequest appends the request that opens the stream, or goes on with it.
func (s *stream) appendRequest(dst []byte, o *Options) []byte {
	dst = append(dst, "GET "...)
	dst = append(dst, o.path(s.topics)...)
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, o.Hubs[s.hub].Host...)
	dst = append(dst, "\r\nAccept: text/event-stream\r\nCache-Control: no-cache\r\nUser-Agent: sluice-loadtest/"...)
	dst = strconv.AppendInt(dst, int64(s.number), 10)
	if o.Token != "" {
		dst = append(dst, "\r\nAuthorization: Bearer "...)
		dst = append(dst, o.Token...)
	}
	if len(s.id) > 0 {
		dst = append(dst, "\r\nLast-Event-ID: "...)
		dst = append(dst, s.id...)
	}
	return append(dst, "\r\n\r\n"...)
}
