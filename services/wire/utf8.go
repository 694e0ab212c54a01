package wire

import "unicode/utf8"

// decodeUTF8 decodes as the Encoding standard does. Decoding values and not
// the stream is the same, since a malformed sequence never takes in an ASCII
// byte and all that structures the stream is ASCII.
func decodeUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var out []byte
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = malformedLen(b)
		}
		out = utf8.AppendRune(out, r)
		b = b[n:]
	}
	return string(out)
}

// malformedLen returns the length of the malformed sequence that b begins
// with, which becomes one U+FFFD: the longest part that could begin a
// character (Unicode, section 3.9, Substitution of Maximal Subparts), at least
// one byte.
func malformedLen(b []byte) int {
	size, low, high := 1, byte(0x80), byte(0xBF) // of the second byte
	switch c := b[0]; {
	case c >= 0xC2 && c <= 0xDF:
		size = 2
	case c >= 0xE0 && c <= 0xEF:
		size = 3
		if c == 0xE0 {
			low = 0xA0 // below: overlong
		} else if c == 0xED {
			high = 0x9F // above: a surrogate
		}
	case c >= 0xF0 && c <= 0xF4:
		size = 4
		if c == 0xF0 {
			low = 0x90 // below: overlong
		} else if c == 0xF4 {
			high = 0x8F // above: beyond U+10FFFF
		}
	}
	n := 1
	for n < min(size, len(b)) && b[n] >= low && b[n] <= high {
		n, low, high = n+1, 0x80, 0xBF
	}
	return n
}
