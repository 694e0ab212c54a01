package budget

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func read(t *testing.T, text string) (Limits, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "budget.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Read(path)
}

func TestExceeded(t *testing.T) {
	l, err := read(t, `{"a": {"max": 5}, "b": {"min": 5}, "c": {"min": 1, "max": 2}, "d": {"max": 0}}`)
	if err != nil {
		t.Fatal(err)
	}
	if over := l.Exceeded(map[string]float64{"a": 5, "b": 5, "c": 1.5, "d": 0, "e": 1e9}); len(over) > 0 {
		t.Errorf("%q", over)
	}
	over := l.Exceeded(map[string]float64{"a": 5.1, "b": 4.9, "c": 3})
	for i, want := range []string{"a is 5.1, and may be 5 at most", "b is 4.9, and must be 5 at least", "c is 3, and may be 2 at most", "d, which this run does not have"} {
		if i >= len(over) || !strings.Contains(over[i], want) {
			t.Fatalf("%q, want %s", over, want)
		}
	}
}

func TestRead(t *testing.T) {
	for want, text := range map[string]string{
		"write it like":       `{"a": 5}`,
		"unknown field":       `{"a": {"most": 5}}`,
		"neither a min nor a": `{"a": {}}`,
		"unexpected EOF":      `{"a": `,
	} {
		if _, err := read(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := Read("/nowhere"); err == nil {
		t.Error("a file that is not there is read")
	}
}
