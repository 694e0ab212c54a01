package sse

import "encoding/hex"

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
