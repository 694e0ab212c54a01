package app

import (
	"strings"
	"testing"
)

func TestTraceOfTraceparent(t *testing.T) {
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
		got := traceOfHeaders(row.header, "")
		if (got.id == id) != row.ok || len(got.id) != 32 || (got.sampled == row.header) != (row.sampled || row.header == "") {
			t.Errorf("%s: %+v", row.header, got)
		}
	}
	if a, b := newTraceID(), newTraceID(); a == b {
		t.Error("two requests have one trace id")
	}
}

func TestTraceOfUber(t *testing.T) {
	const id, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	const as = "00-" + id + "-" + span + "-01"
	for _, row := range []struct{ header, id, sampled string }{
		{id + ":" + span + ":0:1", id, as},
		{id + ":" + span + ":0:0", id, ""},
		{id + ":" + span + ":0:3", id, as},
		{id + ":f067aa0ba902b7:1:1", id, as},
		{strings.ReplaceAll(id+":"+span+":0:1", ":", "%3A"), id, as},
		{strings.ToUpper(id) + ":" + span + ":0:1", id, as},
		{"3ce929d0e0e4736:" + span + ":0:1", "000000000000000003ce929d0e0e4736", "00-000000000000000003ce929d0e0e4736-" + span + "-01"},
		{"0:" + span + ":0:1", "", ""},
		{":" + span + ":0:1", "", ""},
		{id + ":0:0:1", "", ""},
		{id + ":" + span + ":0", "", ""},
		{id + ":" + span + ":0:1:1", "", ""},
		{id + ":" + span + ":0:x", "", ""},
		{id + ":" + span + ":0:", "", ""},
		{"0" + id + ":" + span + ":0:1", "", ""},
		{id + ":0" + span + ":0:1", "", ""},
		{strings.Repeat("x", 32) + ":" + span + ":0:1", "", ""},
		{"nonsense", "", ""},
	} {
		got := traceOfHeaders("", row.header)
		if (got.id != row.id) != (row.id == "") || len(got.id) != 32 || got.sampled != row.sampled {
			t.Errorf("%s: %+v", row.header, got)
		}
	}
	if got := traceOfHeaders(as, "1:1:0:1"); got.id != id {
		t.Errorf("the traceparent does not win: %+v", got)
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.Add("4bf92f3577b34da6a3ce929d0e0e4736:f067aa0ba902b7:0:1")
	f.Fuzz(func(t *testing.T, s string) {
		if got := traceOfHeaders("", s); !lowerHex(got.id) || len(got.id) != 32 {
			t.Errorf("uber-trace-id %q gave the trace id %q", s, got.id)
		}
		id, _, ok := parseTraceparent(s)
		if ok && (len(id) != 32 || !lowerHex(id)) {
			t.Errorf("%q gave the trace id %q", s, id)
		}
		if ok && strings.ContainsAny(s[:55], "\r\n") {
			t.Errorf("%q would break a line", s)
		}
	})
}
