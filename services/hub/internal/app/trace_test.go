package app

import (
	"strings"
	"testing"
)

func TestTraceOfHeader(t *testing.T) {
	const id, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for _, row := range []struct {
		header      string
		ok, sampled bool
	}{
		{"00-" + id + "-" + parent + "-01", true, true},
		{"00-" + id + "-" + parent + "-00", true, false},
		{"00-" + id + "-" + parent + "-03", true, true},
		{"cc-" + id + "-" + parent + "-01-later", true, true},
		{"00-" + id + "-" + parent + "-01-more", false, false},
		{"cc-" + id + "-" + parent + "-01later", false, false},
		{"ff-" + id + "-" + parent + "-01", false, false},
		{"00-" + strings.ToUpper(id) + "-" + parent + "-01", false, false},
		{"00-" + strings.Repeat("0", 32) + "-" + parent + "-01", false, false},
		{"00-" + id + "-" + strings.Repeat("0", 16) + "-01", false, false},
		{"00-" + id + "-" + parent + "-0g", false, false},
		{"00-" + id + "-" + parent, false, false},
		{"", false, false},
		{"nonsense", false, false},
	} {
		got := traceOfHeader(row.header)
		if (got.id == id) != row.ok || len(got.id) != 32 || (got.sampled == row.header) != (row.sampled || row.header == "") {
			t.Errorf("%s: %+v", row.header, got)
		}
	}
	if a, b := newTraceID(), newTraceID(); a == b {
		t.Error("two requests have one trace id")
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Fuzz(func(t *testing.T, s string) {
		id, _, ok := parseTraceparent(s)
		if ok && (len(id) != 32 || !lowerHex(id)) {
			t.Errorf("%q gave the trace id %q", s, id)
		}
		if ok && strings.ContainsAny(s[:55], "\r\n") {
			t.Errorf("%q would break a line", s)
		}
	})
}
