package eventlog

import (
	"testing"

	"github.com/sluice-stream/sluice/services/wire"
)

// TestRecordOnTheWire: a size is that of the body, and what readers have no
// name for moves their position only.
func TestRecordOnTheWire(t *testing.T) {
	for _, test := range []struct {
		record Record
		want   string
	}{
		{Record{}, "data: \n\n"},
		{Record{Type: "t", Key: "k", Traceparent: "p", Data: []byte("a\r\nb\rc")}, "event: t\ndata: a\ndata: b\ndata: c\nkey: k\ntraceparent: p\n\n"},
		{Record{Content: Bytes, Type: "t", Data: []byte{0xff, 0, '\n'}}, "event: t\ndata: /wAK\n\n"},
		{Record{Content: Bytes}, "data: \n\n"},
		{Record{Kind: KindEnd, Data: []byte("done")}, "\n"},
		{Record{Kind: KindTombstone, Key: "k"}, "\n"},
		{Record{Kind: 200, Type: "later"}, "\n"},
	} {
		got := string(test.record.AppendBody([]byte("before ")))
		if got != "before "+test.want || test.record.Size() != len(test.want) {
			t.Errorf("%+v: %q of %d bytes, want %q", test.record, got, test.record.Size(), test.want)
		}
		event := string(wire.AppendEvent(nil, test.record.AppendBody(nil), ID{MS: 1}))
		if want := test.want[:len(test.want)-1] + "id: 1-0\n\n"; event != want {
			t.Errorf("%+v is %q, want %q", test.record, event, want)
		}
	}
}

func TestConditionCheck(t *testing.T) {
	one, two := ID{MS: 1}, ID{MS: 2}
	for _, test := range []struct {
		condition Condition
		latest    ID
		holds     bool
	}{
		{Condition{}, ID{}, true}, {Condition{}, one, true},
		{Condition{Absent: true}, ID{}, true}, {Condition{Absent: true}, one, false},
		{Condition{At: one}, one, true}, {Condition{At: one}, two, false}, {Condition{At: one}, ID{}, false},
	} {
		if err := test.condition.Check(test.latest); (err == nil) != test.holds {
			t.Errorf("%+v where the latest is %v: %v", test.condition, test.latest, err)
		}
	}
}
