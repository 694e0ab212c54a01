package wire

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	gosse "github.com/tmaxmax/go-sse"
)

const testTraceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

func TestAppendBody(t *testing.T) {
	for _, test := range []struct{ name, typ, key, data, traceparent, want string }{
		{"data alone", "", "", "a", "", "data: a\n\n"},
		{"every field", "order.created", "17", `{"order":17}`, testTraceparent,
			"event: order.created\ndata: {\"order\":17}\nkey: 17\ntraceparent: " + testTraceparent + "\n\n"},
		{"no data", "", "", "", "", "data: \n\n"},
		{"LF", "", "", "a\nb", "", "data: a\ndata: b\n\n"},
		{"CR", "", "", "a\rb", "", "data: a\ndata: b\n\n"},
		{"CRLF is one ending", "", "", "a\r\nb", "", "data: a\ndata: b\n\n"},
		{"LF CR is two", "", "", "a\n\rb", "", "data: a\ndata: \ndata: b\n\n"},
		{"CR CRLF is two", "", "", "a\r\r\nb", "", "data: a\ndata: \ndata: b\n\n"},
		{"trailing LF", "", "", "a\n", "", "data: a\ndata: \n\n"},
		{"trailing CR", "", "", "a\r", "", "data: a\ndata: \n\n"},
		{"trailing CRLF", "", "", "a\r\n", "", "data: a\ndata: \n\n"},
		{"only an ending", "", "", "\r\n", "", "data: \ndata: \n\n"},
		{"leading space", "", "", "  a", "", "data:   a\n\n"},
		{"looks like fields", "", "", "id: 1\n: b\n\ndata", "", "data: id: 1\ndata: : b\ndata: \ndata: data\n\n"},
		{"NUL and byte order mark", "", "", "\uFEFF\x00", "", "data: \uFEFF\x00\n\n"},
		{"ending in the type", "a\n\ndata: b", "", "c", "", "event: a\ndata: c\n\n"},
		{"ending first in the type", "\ra", "", "c", "", "data: c\n\n"},
		{"ending in the traceparent", "", "", "c", "00\r\rid: 9", "data: c\ntraceparent: 00\n\n"},
		{"key alone", "", "a key", "c", "", "data: c\nkey: a key\n\n"},
		{"ending in the key", "", "a\n\rdata: b", "c", "", "data: c\nkey: a\n\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := AppendBody([]byte("id: 1\n"), Body{test.typ, test.key, test.traceparent, []byte(test.data)})
			if want := "id: 1\n" + test.want; string(got) != want {
				t.Errorf("got  %q\nwant %q", got, want)
			}
		})
	}
}

func TestAppendBodyOfLineEndingsOnly(t *testing.T) {
	for _, ending := range []string{"\n", "\r", "\r\n"} {
		data := bytes.Repeat([]byte(ending), 256<<10/len(ending))
		got := AppendBody(nil, Body{Data: data})
		lines := len(data)/len(ending) + 1
		if want := strings.Repeat("data: \n", lines) + "\n"; string(got) != want {
			t.Errorf("%q: %d bytes, want %d", ending, len(got), len(want))
		}
	}
}

func TestBodySize(t *testing.T) {
	for _, data := range []string{"", "a", "a\nb\n", "\n\n\n", "a\r\nb\r", "\r\r\n\n\r", "\r"} {
		for _, field := range []string{"", "x", "x\ry", "\nx", "x\ny\rz"} {
			b := Body{field, field, field, []byte(data)}
			if got, want := BodySize(b), len(AppendBody(nil, b)); got != want {
				t.Errorf("BodySize(%q, %q) = %d, want %d", field, data, got, want)
			}
		}
	}
}

func TestAppendBodyDoesNotAllocate(t *testing.T) {
	dst, data := make([]byte, 0, 4096), []byte("a\nb\r\nc\rd")
	if n := testing.AllocsPerRun(100, func() { AppendBody(dst, Body{"type", "key", testTraceparent, data}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestValidType(t *testing.T) {
	for _, typ := range []string{
		"a", "order.created", "com.example/order created", "stream", "streams.x", "Open", "errors", "message",
		"événement", "注文", ":", "\uFFFD", strings.Repeat("x", MaxTypeLen), strings.Repeat("注", MaxTypeLen),
		strings.Repeat("𝄞", MaxTypeLen),
	} {
		if !ValidType(typ) {
			t.Errorf("%q is refused", typ)
		}
	}
	for _, typ := range []string{
		"", "open", "error", "stream.", "stream.open", "stream.anything", " ", " a", "a ", "a\nb", "a\rb", "a\tb",
		"a\x00b", "a\x7fb", "a\u0085b", "a\u00A0b", "a\u2028b", "\uFEFFa", "a\xff", "\xed\xa0\x80",
		strings.Repeat("x", MaxTypeLen+1), strings.Repeat("注", MaxTypeLen+1), strings.Repeat("x", 1<<20),
	} {
		if ValidType(typ) {
			t.Errorf("%q is accepted", typ[:min(len(typ), 40)])
		}
	}
}

func TestValidKey(t *testing.T) {
	for _, key := range []string{
		"a", "open", "stream.open", "customer/17 main", "注文", strings.Repeat("x", MaxKeyLen), strings.Repeat("é", MaxKeyLen/2),
	} {
		if !ValidKey(key) {
			t.Errorf("%q is refused", key)
		}
	}
	for _, key := range []string{
		"", " ", " a", "a ", "a\nb", "a\rb", "a\tb", "a\x00b", "a\x7fb", "a\u0085b", "a\u00A0b", "a\u2028b", "a\xff",
		strings.Repeat("x", MaxKeyLen+1), strings.Repeat("é", MaxKeyLen/2) + "x", strings.Repeat("x", 1<<20),
	} {
		if ValidKey(key) {
			t.Errorf("%q is accepted", key[:min(len(key), 40)])
		}
	}
}

// arriving is what a reader makes of data.
func arriving(data string) string {
	data = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(data)
	return decodeUTF8([]byte(data))
}

func addBodies(f *testing.F) {
	for _, data := range []string{
		"", "a", "a\n", "a\r\nb\rc", "\n\r\n\r", " a", "id: 1", ":", "data", "\uFEFFa", "\x00", "\xff\xe2\x82", "\r", "\r\r\n",
	} {
		f.Add("type", "key", []byte(data), testTraceparent)
		f.Add("", "", []byte(data), "")
	}
}

func FuzzRoundTrip(f *testing.F) {
	addBodies(f)
	f.Fuzz(func(t *testing.T, typ, key string, data []byte, traceparent string) {
		body := AppendBody(nil, Body{typ, key, traceparent, data})
		checkOneBlankLine(t, body)
		if n := BodySize(Body{typ, key, traceparent, data}); n != len(body) {
			t.Errorf("%d bytes, said were %d", len(body), n)
		}
		got, err := decodeAll(bytes.NewReader(slices.Concat([]byte("id: 7\n"), body, body)))
		if err != io.EOF {
			t.Fatal(err)
		}
		typ, _, _ = strings.Cut(arriving(typ), "\n")
		key, _, _ = strings.Cut(arriving(key), "\n")
		traceparent, _, _ = strings.Cut(arriving(traceparent), "\n")
		if typ == "" {
			typ = "message"
		}
		want := Message{ID: "7", Type: typ, Data: arriving(string(data)), Key: key, Traceparent: traceparent}
		if !slices.Equal(got, []Message{want, want}) {
			t.Errorf("body %q\ngot  %+q\nwant %+q twice", body, got, want)
		}
	})
}

// FuzzRoundTripIndependent has our events read by somebody else's parser.
func FuzzRoundTripIndependent(f *testing.F) {
	addBodies(f)
	f.Fuzz(func(t *testing.T, typ, key string, data []byte, traceparent string) {
		if !utf8.ValidString(typ) || !utf8.Valid(data) {
			t.Skip("go-sse does not decode UTF-8")
		}
		body := AppendBody([]byte("id: 7\n"), Body{typ, key, traceparent, data})
		var got []gosse.Event
		for event, err := range gosse.Read(bytes.NewReader(body), &gosse.ReadConfig{MaxEventSize: len(body) + 1}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, event)
		}
		typ, _, _ = strings.Cut(arriving(typ), "\n")
		want := gosse.Event{LastEventID: "7", Type: typ, Data: arriving(string(data))}
		if !slices.Equal(got, []gosse.Event{want}) {
			t.Errorf("body %q\ngot  %+q\nwant %+q", body, got, want)
		}
	})
}

// checkOneBlankLine checks that nothing but the end of body ends an event.
func checkOneBlankLine(t *testing.T, body []byte) {
	t.Helper()
	rest, ok := bytes.CutSuffix(body, []byte("\n\n"))
	if !ok || bytes.HasPrefix(body, []byte("\n")) || bytes.Contains(rest, []byte("\n\n")) || bytes.IndexByte(body, '\r') >= 0 {
		t.Fatalf("not exactly one blank line, at the end: %q", body)
	}
}

func BenchmarkAppendBody(b *testing.B) {
	for _, size := range []int{128, 64 << 10} {
		for name, line := range map[string]string{"one line": "x", "lines of 80": strings.Repeat("x", 79) + "\n"} {
			data := bytes.Repeat([]byte(line), size/len(line)+1)[:size]
			b.Run(fmt.Sprintf("%d/%s", size, name), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(size))
				dst := make([]byte, 0, 2*size+256)
				for b.Loop() {
					dst = AppendBody(dst[:0], Body{Type: "order.created", Traceparent: testTraceparent, Data: data})
				}
			})
		}
	}
	b.Run("256KiB of CR", func(b *testing.B) {
		data := bytes.Repeat([]byte{'\r'}, 256<<10)
		b.SetBytes(int64(len(data)))
		var dst []byte
		for b.Loop() {
			dst = AppendBody(dst[:0], Body{Data: data})
		}
	})
}
