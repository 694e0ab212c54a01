package wire

import (
	"bytes"
	"slices"
	"strings"
)

// Body is what an event has besides its id.
type Body struct {
	Type string
	Key  string // what the event is about
	// Traceparent is the W3C trace context of who published the event.
	Traceparent string
	Data        []byte
}

// AppendBody appends an event without its id line, in the format of the
// WHATWG HTML specification, section 9.2.5: the type unless it is empty, a
// data line for every line of data, the key and the traceparent unless they
// are empty, and the blank line that dispatches the event. That blank line is
// the only one, whatever the event holds. A browser ignores the fields key and
// traceparent, as it does all that the specification does not name; a
// [Decoder] reads them.
//
// LF, CR and CRLF all end a line of data, so they all arrive as LF. The format
// has no way to carry a CR. Data that ends with a line ending has an empty
// last line, and empty data is one empty line; without that line the event
// would not be dispatched (section 9.2.6).
//
// The type, the key and the traceparent are one line each; what follows a line
// ending in them is left out, so that it cannot pass for fields or events.
func AppendBody(dst []byte, b Body) []byte {
	dst = slices.Grow(dst, BodySize(b))
	dst = appendField(dst, "event: ", b.Type)
	dst = appendData(dst, b.Data)
	dst = appendField(dst, "key: ", b.Key)
	dst = appendField(dst, "traceparent: ", b.Traceparent)
	return append(dst, '\n')
}

// appendData appends the data lines.
func appendData(dst, data []byte) []byte {
	// Segments between line feeds first, then the lines within each: one
	// search for either ending would start over at every line, which is
	// quadratic for data that has only one of the two.
	for {
		i := bytes.IndexByte(data, '\n')
		if i < 0 {
			break
		}
		segment := data[:i]
		if i > 0 && segment[i-1] == '\r' {
			segment = segment[:i-1] // CRLF is one ending
		}
		dst = appendDataLines(dst, segment)
		data = data[i+1:]
	}
	return appendDataLines(dst, data)
}

// appendDataLines appends data that has no line ending but CR.
func appendDataLines(dst, data []byte) []byte {
	for {
		i := bytes.IndexByte(data, '\r')
		if i < 0 {
			break
		}
		dst = append(dst, "data: "...)
		dst = append(dst, data[:i]...)
		dst = append(dst, '\n')
		data = data[i+1:]
	}
	dst = append(dst, "data: "...)
	dst = append(dst, data...)
	return append(dst, '\n')
}

// appendField appends a field of one line, or nothing for an empty value.
func appendField(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	if value = oneLine(value); value == "" {
		return dst
	}
	dst = append(dst, name...)
	dst = append(dst, value...)
	return append(dst, '\n')
}

// BodySize returns how many bytes [AppendBody] appends. Events stay in memory
// as encoded, so it is exact: one that was grown by doubling would waste the
// hot tail.
func BodySize(b Body) int {
	endings := bytes.Count(b.Data, []byte{'\n'})
	lines := 1 + endings
	if cr := bytes.Count(b.Data, []byte{'\r'}); cr > 0 {
		lines += cr - bytes.Count(b.Data, []byte("\r\n"))
		endings += cr
	}
	n := lines*len("data: \n") + len(b.Data) - endings + len("\n")
	return n + fieldSize("event: ", b.Type) + fieldSize("key: ", b.Key) + fieldSize("traceparent: ", b.Traceparent)
}

// oneLine leaves out what follows a line ending.
func oneLine(value string) string {
	value, _, _ = strings.Cut(value, "\n")
	value, _, _ = strings.Cut(value, "\r")
	return value
}

func fieldSize(name, value string) int {
	if value == "" {
		return 0
	}
	if value = oneLine(value); value == "" {
		return 0
	}
	return len(name) + len(value) + len("\n")
}
