package stored

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

func sample() (eventlog.Event, Place) {
	return eventlog.Event{ID: eventlog.ID{MS: 1_763_820_000_123, Seq: 7}, Record: eventlog.Record{
			Kind: eventlog.KindEvent, Content: eventlog.Text, Type: "order.created", Key: "17",
			Traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", Data: []byte("a\r\nb\rc\x00"),
		}}, Place{Appended: time.UnixMicro(1_763_819_999_000_001), Prev: eventlog.ID{MS: 1_763_820_000_122, Seq: 1 << 40},
			Size: 99, Events: 1 << 33, Bytes: 1 << 50}
}

func TestRecord(t *testing.T) {
	full, place := sample()
	for _, e := range []eventlog.Event{full, {ID: full.ID}, {ID: full.ID, Record: eventlog.Record{
		Kind: eventlog.KindEnd, Content: eventlog.Bytes, Data: []byte{0xff, 0xfe, 0},
	}}} {
		scope := ScopeOf("orders")
		b := scope.Append([]byte("before"), &e, place)[len("before"):]
		var got eventlog.Event
		p, err := scope.Read(AppendID(nil, e.ID), b, &got)
		if len(got.Data) == 0 {
			got.Data = e.Data
		}
		if err != nil || p != place || !reflect.DeepEqual(got, e) {
			t.Errorf("read %+v at %+v, %v\nwant %+v at %+v", got, p, err, e, place)
		}
	}
}

// TestFormat has the bytes that the release before reads and wrote: they may
// only change as the package's documentation says.
func TestFormat(t *testing.T) {
	e, place := sample()

	const golden = "01" + "3c06e93e" + "00" + "00" + // version, checksum, kind, content
		"ed8a8901" + "01" + "808080808020" + "63" + "8080808020" + "8080808080808002" + // place
		"020d6f726465722e63726561746564" + "04023137" +
		"063730302d34626639326633353737623334646136613363653932396430653065343733362d303066303637616130626139303262372d3031" + "00" +
		"610d0a620d6300"
	b := ScopeOf("orders").Append(nil, &e, place)
	if got := hex.EncodeToString(b); got != golden {
		t.Errorf("a record is\n%s, want\n%s", got, golden)
	}

}

// TestEveryBit changes each bit of a record, its topic and its id.
func TestEveryBit(t *testing.T) {
	e, place := sample()
	scope, id := ScopeOf("orders"), AppendID(nil, e.ID)
	b := scope.Append(nil, &e, place)
	var got eventlog.Event
	for i := range len(b) * 8 {
		damaged := bytes.Clone(b)
		damaged[i/8] ^= 1 << (i % 8)
		if _, err := scope.Read(id, damaged, &got); !errors.Is(err, ErrDamaged) {
			t.Fatalf("bit %d: %v", i, err)
		}
	}
	for n := range b {
		if _, err := scope.Read(id, b[:n], &got); !errors.Is(err, ErrDamaged) {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	if _, err := ScopeOf("other").Read(id, b, &got); !errors.Is(err, ErrDamaged) {
		t.Errorf("in another topic: %v", err)
	}
	if _, err := scope.Read(AppendID(nil, e.ID.Next()), b, &got); !errors.Is(err, ErrDamaged) {
		t.Errorf("under another id: %v", err)
	}
}

// TestReleases reads what later releases may write.
func TestReleases(t *testing.T) {
	e, place := sample()
	scope := ScopeOf("orders")
	id := AppendID(nil, e.ID)
	e.Type, e.Key, e.Traceparent = "", "", ""
	plain := scope.Append(nil, &e, place)
	end := len(plain) - len(e.Data) - 1
	with := func(number byte, value string) []byte {
		b := bytes.Clone(plain[:end])
		b = appendField(b, number, value)
		b = append(b, plain[end:]...)
		scope.Seal(b, id)
		return b
	}
	var got eventlog.Event
	if p, err := scope.Read(id, with(200, strings.Repeat("x", 300)), &got); err != nil || p != place || string(got.Data) != string(e.Data) {
		t.Errorf("a field that may be passed over: %+v, %v", got, err)
	}
	if _, err := scope.Read(id, with(201, "x"), &got); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "201") {
		t.Errorf("a field that may not: %v", err)
	}
	later := bytes.Clone(plain)
	scope.SealAs(version+1, later, id)
	if _, err := scope.Read(id, later, &got); !errors.Is(err, ErrNewer) {
		t.Errorf("a later version: %v", err)
	}
}

func TestReadReusesTexts(t *testing.T) {
	e, place := sample()
	scope, id := ScopeOf("orders"), AppendID(nil, e.ID)
	b := scope.Append(nil, &e, place)
	var got eventlog.Event
	if _, err := scope.Read(id, b, &got); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = scope.Read(id, b, &got) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzRead(f *testing.F) {
	e, place := sample()
	f.Add(ScopeOf("orders").Append(nil, &e, place)[prefixLen:])
	f.Fuzz(func(t *testing.T, rest []byte) {
		b := append(New(len(rest)), rest...)
		scope, id := ScopeOf("orders"), AppendID(nil, e.ID)
		scope.Seal(b, AppendID(nil, e.ID))
		var got eventlog.Event
		p, err := scope.Read(id, b, &got)
		if err != nil {
			if !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNewer) {
				t.Error(err)
			}
			return
		}
		var again eventlog.Event
		q, err := scope.Read(id, scope.Append(nil, &got, p), &again)
		if err != nil || q != p || !reflect.DeepEqual(got, again) {
			t.Errorf("read %+v at %+v, written and read %+v at %+v, %v", got, p, again, q, err)
		}
	})
}
