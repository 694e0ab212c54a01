package mark

import (
	"encoding/hex"
	"hash/crc32"
	"math"
)

// Trace returns the id of an event's trace (W3C Trace Context: 32 hexadecimal
// digits), which begins with those of the run. It follows from the mark alone, so
// readers know it too.
func (m Mark) Trace() string {
	text := m.trace()
	return string(text[:])
}

// Sampled reports whether an event's trace is one of the part that is sampled.
func (m Mark) Sampled(ratio float64) bool {
	text := m.trace()
	return float64(crc32.ChecksumIEEE(text[:24])) < ratio*math.MaxUint32
}

func (m Mark) trace() (text [32]byte) {
	dst := Digits(text[:0], m.Run)
	dst = Digits(dst, m.Lane)
	dst = Digits(dst, m.Seq)
	Digits(dst, crc32.ChecksumIEEE(dst))
	return text
}

// Traceparent returns the header of a trace of that id, whose first span is one
// that nobody records.
func Traceparent(id string, sampled bool) string {
	flags := "00"
	if sampled {
		flags = "01"
	}
	return "00-" + id + "-" + hex.EncodeToString([]byte(id[16:24])) + "-" + flags
}
