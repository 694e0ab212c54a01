package wire

// MaxTopicName is the longest name of a topic, in bytes.
const MaxTopicName = 128

// ValidTopic reports whether name can be a topic's: 1 to 128 of the letters,
// digits, dot, underscore and hyphen of ASCII, not starting with a dot.
func ValidTopic(name string) bool {
	if name == "" || len(name) > MaxTopicName || name[0] == '.' {
		return false
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return true
}
