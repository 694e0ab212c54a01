package wire

import (
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
	if typ == "open" || typ == "error" || strings.HasPrefix(typ, ControlPrefix) {
		return false
	}
	return len(typ) <= MaxTypeLen*utf8.UTFMax && printable(typ) && utf8.RuneCountInString(typ) <= MaxTypeLen
}

// MaxKeyLen is how many bytes the key of a published event may have.
const MaxKeyLen = 256

// ValidKey reports whether an event may be published with this key: 1 to
// [MaxKeyLen] bytes of valid UTF-8, printable and with spaces as [ValidType]
// has it.
func ValidKey(key string) bool { return len(key) <= MaxKeyLen && printable(key) }

func printable(s string) bool {
	if s == "" || s[0] == ' ' || s[len(s)-1] == ' ' || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}
