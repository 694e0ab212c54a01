package publish

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHalfPair(t *testing.T) {
	for value, want := range map[string]bool{
		`""`: false, `"a"`: false, `"\\ud800"`: false, `"\u00e9"`: false, `"\uD83D\uDE00"`: false, `"\ud83d\ude00x\ud83d\ude00"`: false,
		`"\\\ud83d\ude00"`: false, `17`: false, `{"a":"\ud800"}`: false, `"\ufffd"`: false, `"\uD7FF\uE000"`: false,
		`"\ud800"`: true, `"\udc00"`: true, `"a\uD83Db"`: true, `"\ud83d\ud83d\ude00"`: true, `"\ude00\ud83d"`: true,
		`"\ud83d\n"`: true, `"\ud83d\\ude00"`: true, `"\\\ud800"`: true, `"\ud83d\ude00\ude00"`: true,
	} {
		if got := halfPair([]byte(value)); got != want {
			t.Errorf("%s: %v", value, got)
		}
	}
}

// What has no half pair is read without loss, and only that.
func FuzzHalfPair(f *testing.F) {
	for _, text := range []string{`\ud83d\ude00`, `\ud83d`, `\\ud83d`, `\\\ud83d\u0041`, "\uFFFD", `\ufffd`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		value := []byte(`"` + text + `"`)
		var got string
		if !utf8.Valid(value) || json.Unmarshal(value, &got) != nil {
			t.Skip()
		}
		written := strings.Count(text, "\uFFFD") + strings.Count(strings.ToLower(strings.ReplaceAll(text, `\\`, "")), `\ufffd`)
		if lost := strings.Count(got, "\uFFFD") > written; lost != halfPair(value) {
			t.Errorf("%s is read as %q, and halfPair says %v", value, got, !lost)
		}
	})
}
