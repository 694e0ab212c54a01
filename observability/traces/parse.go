package traces

// traceparentLen is the length of a traceparent of version 00:
// version-traceid-parentid-flags.
const traceparentLen = 2 + 1 + 32 + 1 + 16 + 1 + 2

// parseTraceparent reads a W3C traceparent header.
func parseTraceparent(s string) (r Ref, ok bool) {
	if len(s) < traceparentLen || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return Ref{}, false
	}
	var version, flags [1]byte
	if !lowerHex(version[:], s[:2]) || !lowerHex(r.ID[:], s[3:35]) || !lowerHex(r.Span[:], s[36:52]) ||
		!lowerHex(flags[:], s[53:55]) || version[0] == 0xff || !r.valid() {
		return Ref{}, false
	}
	// Later versions may add fields behind the ones that are known.
	if len(s) > traceparentLen && (version[0] == 0 || s[traceparentLen] != '-') {
		return Ref{}, false
	}
	r.Sampled = flags[0]&1 != 0
	return r, true
}

// parseUber reads an uber-trace-id. Jaeger's clients send
// traceid:spanid:parentspanid:flags, in hexadecimal digits, perhaps without
// leading zeros and with the colons escaped (jaegertracing.io, Client
// Libraries, Propagation Format).
func parseUber(s string) (r Ref, ok bool) {
	var fields [4]string
	for i := range fields {
		field, rest, found := cutColon(s)
		if found != (i < len(fields)-1) {
			return Ref{}, false
		}
		fields[i], s = field, rest
	}
	flags, ok := parseFlags(fields[3])
	if !ok || !shortHex(r.ID[:], fields[0]) || !shortHex(r.Span[:], fields[1]) || !r.valid() {
		return Ref{}, false
	}
	r.Sampled = flags&1 != 0
	return r, true
}

// cutColon cuts at the first colon, which may be escaped.
func cutColon(s string) (before, after string, found bool) {
	for i := range len(s) {
		switch {
		case s[i] == ':':
			return s[:i], s[i+1:], true
		case s[i] == '%' && len(s) > i+2 && s[i+1] == '3' && s[i+2]|0x20 == 'a':
			return s[:i], s[i+3:], true
		}
	}
	return s, "", false
}

// parseFlags reads a number below 256.
func parseFlags(s string) (flags uint, ok bool) {
	for i := range len(s) {
		d, ok := digit(s[i])
		if !ok {
			return 0, false
		}
		if flags = flags<<4 | uint(d); flags > 0xff {
			return 0, false
		}
	}
	return flags, s != ""
}

// lowerHex decodes digits of which none is a capital.
func lowerHex(dst []byte, s string) bool {
	for i := range dst {
		high, ok := digit(s[2*i])
		low, ok2 := digit(s[2*i+1])
		if !ok || !ok2 || s[2*i]-'A' < 26 || s[2*i+1]-'A' < 26 {
			return false
		}
		dst[i] = high<<4 | low
	}
	return true
}

// shortHex decodes digits that may lack leading zeros.
func shortHex(dst []byte, s string) bool {
	if len(s) > 2*len(dst) {
		return false
	}
	for i := range len(s) {
		d, ok := digit(s[len(s)-1-i])
		if !ok {
			return false
		}
		dst[len(dst)-1-i/2] |= d << (4 * (i % 2))
	}
	return true
}

func digit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
