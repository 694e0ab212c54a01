package sse

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxTypeLen is how many characters the type of a published event may have.
const MaxTypeLen = 128

// ValidType reports whether an event may be published with this type: 1 to
// [MaxTypeLen] characters of valid UTF-8, each printable as [unicode.IsPrint]
// has it, which leaves the ASCII space as the only space. A space may not be
// the first or last character, because a type that arrives in an HTTP header
// would lose it. The types that begin with "stream." are the server's own,
// and an EventSource fires "open" and "error" itself, so a listener could not
// tell such an event from a change of the connection.
func ValidType(typ string) bool {
	if typ == "" || typ == "open" || typ == "error" || strings.HasPrefix(typ, "stream.") {
		return false
	}
	if typ[0] == ' ' || typ[len(typ)-1] == ' ' {
		return false
	}
	if len(typ) > MaxTypeLen*utf8.UTFMax || !utf8.ValidString(typ) {
		return false
	}
	n := 0
	for _, r := range typ {
		if n++; n > MaxTypeLen || !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

// AppendBody appends an event without its id line, in the format of the
// WHATWG HTML specification, section 9.2.5: the type unless it is empty, a
// data line for every line of data, the traceparent unless it is empty, and
// the blank line that dispatches the event. That blank line is the only one,
// whatever the arguments hold.
//
// LF, CR and CRLF all end a line of data, so they all arrive as LF. The format
// has no way to carry a CR. Data that ends with a line ending has an empty
// last line, and empty data is one empty line; without that line the event
// would not be dispatched (section 9.2.6).
//
// The type and the traceparent are one line each; what follows a line ending
// in them is left out, so that it cannot pass for fields or events.
func AppendBody(dst []byte, typ string, data []byte, traceparent string) []byte {
	dst = slices.Grow(dst, bodySize(typ, data, traceparent))
	dst = appendField(dst, "event: ", typ)
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
	dst = appendDataLines(dst, data)
	dst = appendField(dst, "traceparent: ", traceparent)
	return append(dst, '\n')
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
	value, _, _ = strings.Cut(value, "\n")
	value, _, _ = strings.Cut(value, "\r")
	if value == "" {
		return dst
	}
	dst = append(dst, name...)
	dst = append(dst, value...)
	return append(dst, '\n')
}

// bodySize returns what AppendBody needs: exactly that where data has no CR
// and the fields are one line, else a little more. Events are kept as
// encoded, so one that was grown by doubling would waste the hot tail.
func bodySize(typ string, data []byte, traceparent string) int {
	lines := 1 + bytes.Count(data, []byte{'\n'}) + bytes.Count(data, []byte{'\r'})
	n := lines*len("data: \n") + len(data) - (lines - 1) + len("\n")
	if typ != "" {
		n += len("event: \n") + len(typ)
	}
	if traceparent != "" {
		n += len("traceparent: \n") + len(traceparent)
	}
	return n
}
