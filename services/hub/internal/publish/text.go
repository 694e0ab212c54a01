package publish

import (
	"encoding/json"
	"errors"
	"strconv"
)

// errHalfPair: encoding/json would put U+FFFD in its place, and what was
// published would not be what arrives.
var errHalfPair = errors.New("the string has half of a surrogate pair, which is no character")

// halfPair reports whether a value of JSON is a string in which an escape
// stands for half of a surrogate pair without the other (RFC 8259, section
// 8.2). The value is valid JSON.
func halfPair(value json.RawMessage) bool {
	if value[0] != '"' {
		return false
	}
	for i := 0; i < len(value); i++ {
		if value[i] != '\\' {
			continue
		}
		switch first := escaped(value[i:]); {
		case first < 0xD800 || first > 0xDFFF:
			i++ // whatever it escapes
		case first > 0xDBFF:
			return true
		default:
			const length = len(`\uD800`)
			if second := escaped(value[i+length:]); second < 0xDC00 || second > 0xDFFF {
				return true
			}
			i += 2*length - 1
		}
	}
	return false
}

// escaped returns what an escape of four digits stands for that text begins
// with, 0 where it begins with none.
func escaped(text []byte) uint64 {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0
	}
	n, _ := strconv.ParseUint(string(text[2:6]), 16, 16)
	return n
}
