package main

import (
	"strconv"
	"strings"
	"testing"
)

// figure returns the value of a series of the edge; -1: there is none.
func figure(t *testing.T, e *door, series string) float64 {
	t.Helper()
	_, text := ask(t, "GET", e.admin+"/metrics", "")
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			return value
		}
	}
	return -1
}
