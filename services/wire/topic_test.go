package wire

import (
	"regexp"
	"strings"
	"testing"
)

// The rule as the contract words it.
var topicRule = regexp.MustCompile(`\A[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}\z`)

func FuzzTopicName(f *testing.F) {
	for _, name := range []string{"", "orders", "a.b", ".a", "a b", "a/b", "a@b", "a,b", "grün", "a\n", "\x00", "_", "-",
		strings.Repeat("a", MaxTopicName), strings.Repeat("a", MaxTopicName+1)} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if got := ValidTopic(name); got != topicRule.MatchString(name) {
			t.Errorf("%q: %v", name, got)
		}
	})
}

func TestValidTopic(t *testing.T) {
	for _, name := range []string{"a", "orders", "Orders-1.eu_west", "-", "_", "0", "a.", strings.Repeat("x", MaxTopicName)} {
		if !ValidTopic(name) {
			t.Errorf("%q is refused", name)
		}
	}
	for _, name := range []string{"", ".", ".hidden", "a/b", "a b", "a\x00", "ä", "a,b", "a:b", "{a}", "*", "a\n", strings.Repeat("x", MaxTopicName+1)} {
		if ValidTopic(name) {
			t.Errorf("%q is accepted", name)
		}
	}
}
