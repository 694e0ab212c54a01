package sse

import (
	"bytes"
	"encoding/hex"
)

// Trace is the trace that a request belongs to, and the span in it that is
// about the request (W3C Trace Context). The zero Trace is none.
type Trace struct {
	ID      [16]byte
	Span    [8]byte
	Sampled bool // whether the trace is recorded
}

// String returns the trace id in hexadecimal digits, or nothing for none.
func (t Trace) String() string {
	if t.ID == [16]byte{} {
		return ""
	}
	return hex.EncodeToString(t.ID[:])
}

const (
	traceparentField = "traceparent: "
	traceparentLen   = 2 + 1 + 32 + 1 + 16 + 1 + 2
	traceparentTail  = len(traceparentField) + traceparentLen + len("\n\n")
)

// traceparentOf returns the trace of an event as it goes over the wire, or
// nothing where it has none. AppendBody writes that field last, and nothing
// that a publisher chooses can begin a line.
func traceparentOf(wire []byte) []byte {
	from := len(wire) - traceparentTail
	if from < 1 || wire[from-1] != '\n' {
		return nil
	}
	p, ok := bytes.CutPrefix(wire[from:], []byte(traceparentField))
	if !ok {
		return nil
	}
	return p[:traceparentLen]
}
