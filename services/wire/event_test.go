package wire

import (
	"bytes"
	"math"
	"strings"
	"testing"
)

// The order of lines that clients rely on which store an id when its line
// arrives.
func TestAppendEvent(t *testing.T) {
	id := ID{1763820000000, 7}
	for _, test := range []struct {
		body Body
		want string
	}{
		{Body{}, "data: \nid: 1763820000000-7\n\n"},
		{Body{Type: "t", Key: "k", Traceparent: testTraceparent, Data: []byte("a\nb\n")},
			"event: t\ndata: a\ndata: b\ndata: \nkey: k\ntraceparent: " + testTraceparent + "\nid: 1763820000000-7\n\n"},
	} {
		body := AppendBody(nil, test.body)
		event := AppendEvent([]byte("before"), body, id)
		if string(event) != "before"+test.want {
			t.Errorf("got  %q\nwant %q", event, test.want)
		}
		event = event[len("before"):]
		if len(event) != len(body)+IDLineLen(id) {
			t.Errorf("%q: %d bytes beside the body, said to be %d", event, len(event)-len(body), IDLineLen(id))
		}
		if fields := FieldsOf(event, id); string(fields)+"\n" != string(body) {
			t.Errorf("fields %q of body %q", fields, body)
		}
		if trace := TraceparentOf(event, id); string(trace) != test.body.Traceparent {
			t.Errorf("trace %q, want %q", trace, test.body.Traceparent)
		}
	}
	if event := string(AppendEvent(nil, []byte("\n"), id)); event != "id: 1763820000000-7\n\n" {
		t.Errorf("a body without lines: %q", event)
	}
}

func TestAppendEventDoesNotAllocate(t *testing.T) {
	body := AppendBody(nil, Body{Data: []byte("x"), Traceparent: testTraceparent})
	dst := make([]byte, 0, 512)
	if n := testing.AllocsPerRun(100, func() {
		TraceparentOf(AppendEvent(dst, body, MaxID), MaxID)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// What a publisher sends cannot pass for the trace of its event.
func TestTraceparentOf(t *testing.T) {
	id := ID{1, 0}
	line := "traceparent: " + testTraceparent
	for _, data := range []string{line, "\n" + line, strings.Repeat("x", traceparentTail), ""} {
		event := AppendEvent(nil, AppendBody(nil, Body{Data: []byte(data)}), id)
		if trace := TraceparentOf(event, id); trace != nil {
			t.Errorf("%q has the trace %q", event, trace)
		}
	}
}

func TestIDLineLen(t *testing.T) {
	for _, id := range []ID{{}, {9, 10}, {99, 100}, {math.MaxUint64, 0}, MaxID} {
		if n := bytes.IndexByte(AppendEvent(nil, []byte("\n"), id), '\n') + 1; n != IDLineLen(id) {
			t.Errorf("%v: %d, said to be %d", id, n, IDLineLen(id))
		}
	}
}

func TestAppendControl(t *testing.T) {
	for _, test := range []struct{ id, want string }{
		{"", "event: stream.drain\ndata: {\"ends_in_ms\":5}\n\n"},
		{"a@1-0,b@2-0", "event: stream.drain\ndata: {\"ends_in_ms\":5}\nid: a@1-0,b@2-0\n\n"},
	} {
		if got := string(AppendControl(nil, []byte(test.id), TypeDrain, Drain{5})); got != test.want {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
	}
}
