package eventlog

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
