package wire

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	gosse "github.com/tmaxmax/go-sse"
	"golang.org/x/text/encoding/unicode"
)

// dispatched is an event without id, key and traceparent.
func dispatched(typ, data string) Message { return Message{Type: typ, Data: data} }

// decodeAll reads a stream to its end.
func decodeAll(r io.Reader) ([]Message, error) {
	d := NewDecoder(r)
	var all []Message
	for {
		m, err := d.Next()
		if err != nil {
			return all, err
		}
		all = append(all, m)
	}
}

// splits are readers of the same bytes in different portions.
func splits(stream string) map[string]io.Reader {
	return map[string]io.Reader{
		"whole":          strings.NewReader(stream),
		"byte at a time": iotest.OneByteReader(strings.NewReader(stream)),
		"halves":         iotest.HalfReader(strings.NewReader(stream)),
		"data with EOF":  iotest.DataErrReader(strings.NewReader(stream)),
		"random":         &randomReader{stream, rand.New(rand.NewPCG(1, uint64(len(stream))))},
	}
}

type randomReader struct {
	rest string
	rand *rand.Rand
}

func (r *randomReader) Read(p []byte) (int, error) {
	if r.rest == "" {
		return 0, io.EOF
	}
	n := copy(p, r.rest[:min(len(r.rest), r.rand.IntN(8))]) // 0 too
	r.rest = r.rest[n:]
	return n, nil
}

var decodeTests = []struct {
	name, stream string
	want         []Message
}{
	// The examples of sections 9.2.1 and 9.2.6.
	{"specification: three messages",
		"data: This is the first message.\n\ndata: This is the second message, it\ndata: has two lines.\n\ndata: This is the third message.\n\n",
		[]Message{dispatched("message", "This is the first message."),
			dispatched("message", "This is the second message, it\nhas two lines."), dispatched("message", "This is the third message.")}},
	{"specification: types", "event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\nevent: add\ndata: 113411\n\n",
		[]Message{dispatched("add", "73857293"), dispatched("remove", "2153"), dispatched("add", "113411")}},
	{"specification: stock ticker", "data: YHOO\ndata: +2\ndata: 10\n\n", []Message{dispatched("message", "YHOO\n+2\n10")}},
	{"specification: four blocks", ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
		[]Message{{ID: "1", Type: "message", Data: "first event"}, dispatched("message", "second event"), dispatched("message", " third event")}},
	{"specification: empty data, the last block incomplete", "data\n\ndata\ndata\n\ndata:",
		[]Message{dispatched("message", ""), dispatched("message", "\n")}},
	{"specification: the space after the colon is optional", "data:test\n\ndata: test\n\n",
		[]Message{dispatched("message", "test"), dispatched("message", "test")}},

	// Line endings.
	{"LF", "data: a\ndata: b\n\n", []Message{dispatched("message", "a\nb")}},
	{"CR", "data: a\rdata: b\r\r", []Message{dispatched("message", "a\nb")}},
	{"CRLF", "data: a\r\ndata: b\r\n\r\n", []Message{dispatched("message", "a\nb")}},
	{"mixed", "data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\r", []Message{dispatched("message", "a\nb\nc"), dispatched("message", "d")}},
	{"CR CRLF", "data: a\r\r\ndata: b\r\r\n", []Message{dispatched("message", "a"), dispatched("message", "b")}},
	{"more blank lines", "\n\r\n\rdata: a\n\n\n\r\r\n\ndata: b\n\n", []Message{dispatched("message", "a"), dispatched("message", "b")}},

	// Byte order marks.
	{"byte order mark", "\uFEFFdata: a\n\n", []Message{dispatched("message", "a")}},
	{"byte order mark on a blank line", "\uFEFF\ndata: a\n\n", []Message{dispatched("message", "a")}},
	{"only the first is stripped", "\uFEFF\uFEFFdata: a\n\ndata: b\n\n", []Message{dispatched("message", "b")}},
	{"not after a blank line", "\n\uFEFFdata: a\n\ndata: b\n\n", []Message{dispatched("message", "b")}},
	{"part of one", "\xEF\xBB\ndata: a\n\n", []Message{dispatched("message", "a")}},
	{"in data", "data: \uFEFFa\n\n", []Message{dispatched("message", "\uFEFFa")}},

	// Fields.
	{"comments", ":\n: ping\n\n:data: x\ndata: a\n: b\ndata: c\n\n", []Message{dispatched("message", "a\nc")}},
	{"names are exact", "Data: a\n data: b\ndata : c\ndatax: d\ndat: e\ndata: f\n\n", []Message{dispatched("message", "f")}},
	{"unknown", "foo: a\nfoo\nx:y:z\ndata: a\n\n", []Message{dispatched("message", "a")}},
	{"one space only", "data:   a \n\ndata:\ta\n\n", []Message{dispatched("message", "  a "), dispatched("message", "\ta")}},
	{"colons in the value", "data:: a:b\n\n", []Message{dispatched("message", ": a:b")}},
	{"no colon", "event\nid\ndata\n\n", []Message{dispatched("message", "")}},
	{"NUL in data and type", "event: \x00\ndata: a\x00b\n\n", []Message{dispatched("\x00", "a\x00b")}},
	{"the last type holds", "event: a\nevent: b\ndata: c\n\n", []Message{dispatched("b", "c")}},
	{"an empty type is none", "event: a\nevent:\ndata: c\n\n", []Message{dispatched("message", "c")}},
	{"the type ends with its event", "event: a\ndata: b\n\ndata: c\n\n", []Message{dispatched("a", "b"), dispatched("message", "c")}},
	{"the type ends without data too", "event: a\n\ndata: b\n\n", []Message{dispatched("message", "b")}},
	{"traceparent", "data: a\ntraceparent: 00-x-y-01\n\ndata: b\n\ntraceparent: z\n\ndata: c\n\n",
		[]Message{{Type: "message", Data: "a", Traceparent: "00-x-y-01"}, dispatched("message", "b"), dispatched("message", "c")}},

	{"key", "key: a b\ndata: a\n\ndata: b\n\nkey: z\n\ndata: c\nkey\n\n",
		[]Message{{Type: "message", Data: "a", Key: "a b"}, dispatched("message", "b"), dispatched("message", "c")}},

	// Ids.
	{"an id stays", "id: 1\ndata: a\n\ndata: b\n\n", []Message{{ID: "1", Type: "message", Data: "a"}, {ID: "1", Type: "message", Data: "b"}}},
	{"an id without data", "id: 1\n\ndata: a\n\n", []Message{{ID: "1", Type: "message", Data: "a"}}},
	{"an empty id resets", "id: 1\ndata: a\n\nid:\ndata: b\n\n", []Message{{ID: "1", Type: "message", Data: "a"}, dispatched("message", "b")}},
	{"an id with NUL is ignored", "id: 1\nid: 2\x00\ndata: a\n\n", []Message{{ID: "1", Type: "message", Data: "a"}}},

	// The end.
	{"nothing", "", nil},
	{"no blank line", "data: a\n", nil},
	{"unfinished line", "data: a\n\ndata: b\ndata", []Message{dispatched("message", "a")}},
	{"byte order mark alone", "\uFEFF", nil},

	// Malformed UTF-8 (Unicode, section 3.9, tables 3-8 to 3-11).
	{"overlong", "data: \xC0\xAF\xE0\x80\xBF\xF0\x81\x82A\n\n", []Message{dispatched("message", strings.Repeat("\uFFFD", 8)+"A")}},
	{"surrogate", "data: \xED\xA0\x80\xED\xBF\xBF\xED\xAFA\n\n", []Message{dispatched("message", strings.Repeat("\uFFFD", 8)+"A")}},
	{"other", "data: \xF4\x91\x92\x93\xFFA\x80\xBFB\n\n", []Message{dispatched("message", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDA\uFFFD\uFFFDB")}},
	{"truncated", "data: \xE1\x80\xE2\xF0\x91\x92\xF1\xBFA\n\n", []Message{dispatched("message", "\uFFFD\uFFFD\uFFFD\uFFFDA")}},
	{"in every field", "event: \xFF\nid: \xE2\x82\ndata: \xE2\x82\ndata: \xAC\n\n", []Message{{ID: "\uFFFD", Type: "\uFFFD", Data: "\uFFFD\n\uFFFD"}}},
}

func TestDecoder(t *testing.T) {
	for _, test := range decodeTests {
		t.Run(test.name, func(t *testing.T) {
			for split, r := range splits(test.stream) {
				got, err := decodeAll(r)
				if err != io.EOF {
					t.Errorf("%s: %v", split, err)
				}
				if !slices.Equal(got, test.want) {
					t.Errorf("%s:\ngot  %+q\nwant %+q", split, got, test.want)
				}
			}
		})
	}
}

// An event that a CR completes must not wait for the byte after it.
func TestDecoderDispatchesAtOnce(t *testing.T) {
	for _, ending := range []string{"\n", "\r", "\r\n"} {
		r, w := io.Pipe()
		d := NewDecoder(r)
		event := "data: a" + ending + ending
		first := strings.TrimSuffix(event, "\n") // all but the LF of a last CRLF
		if ending == "\n" {
			first = event
		}
		go io.WriteString(w, first) // ends when Next has read it
		if m, err := d.Next(); err != nil || m.Data != "a" {
			t.Fatalf("%q: %+v, %v", ending, m, err)
		}
		go io.WriteString(w, event[len(first):]+event)
		if m, err := d.Next(); err != nil || m.Data != "a" {
			t.Fatalf("%q again: %+v, %v", ending, m, err)
		}
		w.Close()
	}
}

func TestDecoderLastID(t *testing.T) {
	for stream, want := range map[string]string{
		"":                              "not seen",
		"data: a\n\n":                   "not seen",
		"id: 1\ndata: a\n":              "not seen",
		"id: 1\x00\n\n":                 "not seen",
		"id:\ndata: a\n\n":              "",
		"id\n\n":                        "",
		"id: 1\ndata: a\n\n":            "1",
		"id: 1\n\n":                     "1", // without data, too
		"id: 1\n\nid: 2\ndata: a\n":     "1", // cut short
		"id: 1\n\nid: 2":                "1",
		"id: 1\n\nid\n\n":               "",
		"id: 1\n\nid: 2\x00\n\n":        "1",
		"id: 1\nid: 2\n\n: ping\n\n":    "2",
		"id: 1\n\nid:  \xff \n\ndata\n": " \uFFFD ",
	} {
		for split, r := range splits(stream) {
			d := NewDecoder(r)
			for err := error(nil); err == nil; {
				_, err = d.Next()
			}
			got, seen := d.LastID()
			if !seen {
				if got != "" {
					t.Errorf("%q, %s: %q, and not seen", stream, split, got)
				}
				got = "not seen"
			}
			if got != want {
				t.Errorf("%q, %s: %q, want %q", stream, split, got, want)
			}
		}
	}
}

func TestDecoderRetry(t *testing.T) {
	for stream, want := range map[string]time.Duration{
		"":                                   -1,
		"retry: 1500\n":                      1500 * time.Millisecond, // without a blank line
		"retry:0\n":                          0,
		"retry: 007\n":                       7 * time.Millisecond,
		"retry: 1\nretry: 2\n\n":             2 * time.Millisecond,
		"retry: 1\nretry: 2x\n":              time.Millisecond,
		"retry: 1\nretry:\n":                 time.Millisecond,
		"retry: 1\nretry\n":                  time.Millisecond,
		"retry: 1\nretry: -2\n":              time.Millisecond,
		"retry: 1\nretry: +2\n":              time.Millisecond,
		"retry: 1\nretry:  2\n":              time.Millisecond,
		"retry: 1\nretry: 2 \n":              time.Millisecond,
		"retry: 1\nretry: 1.5\n":             time.Millisecond,
		"retry: 1\nretry: \u0662\n":          time.Millisecond, // a digit, but not of ASCII
		"retry: 1\nretry: 2":                 time.Millisecond, // unfinished
		"retry: 99999999999999999999999\n":   (1<<31 - 1) * time.Millisecond,
		"retry: 99999999999999999999999x\n":  -1,
		"retry: 2147483648\n\nretry: \x00\n": (1<<31 - 1) * time.Millisecond,
	} {
		d := NewDecoder(strings.NewReader(stream))
		if _, err := d.Next(); err != io.EOF {
			t.Fatal(err)
		}
		got, ok := d.Retry()
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q: %v, want %v", stream, got, want)
		}
	}
}

func TestDecoderMaxEventBytes(t *testing.T) {
	long := strings.Repeat("x", 94)
	for _, test := range []struct {
		name, stream string
		want         error
	}{
		{"a line at the limit", "data: " + long + "\n\n", io.EOF},
		{"a line over it", "data: x" + long + "\n\n", ErrEventTooLarge},
		{"a comment over it", ": xxxxx" + long + "\n\n", ErrEventTooLarge},
		{"an unfinished line over it", "data: x" + long, ErrEventTooLarge},
		{"many lines over it", strings.Repeat("data: xxxx\n", 20) + "\n", ErrEventTooLarge},
		{"many empty lines over it", strings.Repeat("data\n", 100) + "\n", ErrEventTooLarge},
		{"many events", strings.Repeat("data: xxxx\n\n", 100), io.EOF},
		{"many comments", strings.Repeat(": ping\n", 100), io.EOF},
		{"many other fields", strings.Repeat("id: xxxx\nevent: yyyy\n", 100), io.EOF},
	} {
		for split, r := range splits(test.stream) {
			d := NewDecoder(r)
			d.MaxEventBytes = 100
			var err error
			for err == nil {
				_, err = d.Next()
			}
			if _, again := d.Next(); err != test.want || again != err {
				t.Errorf("%s, %s: %v and then %v, want %v", test.name, split, err, again, test.want)
			}
		}
	}
}

// A line without an end must not fill the memory, nor a large event keep it.
func TestDecoderMemory(t *testing.T) {
	d := NewDecoder(endless{})
	if _, err := d.Next(); err != ErrEventTooLarge {
		t.Fatal(err)
	}
	large := "data: " + strings.Repeat("x", DefaultMaxEventBytes-6) + "\n\n"
	d = NewDecoder(strings.NewReader(large + strings.Repeat("data: x\n\n", largeBuffer)))
	for n := range largeBuffer + 1 {
		if _, err := d.Next(); err != nil {
			t.Fatal(n, err)
		}
		if n == 0 && cap(d.input.bytes) > 2*DefaultMaxEventBytes {
			t.Errorf("%d bytes for a line of %d", cap(d.input.bytes), len(large))
		}
	}
	if _, err := d.Next(); err != io.EOF { // what it holds while it waits
		t.Fatal(err)
	}
	if cap(d.input.bytes) > largeBuffer || cap(d.dataBuffer) > largeBuffer {
		t.Errorf("still held: %d and %d bytes", cap(d.input.bytes), cap(d.dataBuffer))
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestDecoderReaderErrors(t *testing.T) {
	broken := errors.New("broken")
	d := NewDecoder(io.MultiReader(strings.NewReader("data: a\n\ndata: b"), iotest.ErrReader(broken)))
	if m, err := d.Next(); err != nil || m.Data != "a" {
		t.Fatal(m, err)
	}
	for range 2 {
		if _, err := d.Next(); err != broken {
			t.Fatal(err)
		}
	}
	// The error comes along with the data.
	d = NewDecoder(iotest.DataErrReader(io.MultiReader(strings.NewReader("data: a\n\n"), iotest.ErrReader(broken))))
	if m, err := d.Next(); err != nil || m.Data != "a" {
		t.Fatal(m, err)
	}
	if _, err := d.Next(); err != broken {
		t.Fatal(err)
	}
	if _, err := NewDecoder(idle{}).Next(); err != io.ErrNoProgress {
		t.Fatal(err)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestDecoderOnActivity(t *testing.T) {
	d := NewDecoder(iotest.OneByteReader(strings.NewReader(": ping\n\n")))
	calls := 0
	d.OnActivity = func() { calls++ }
	if _, err := d.Next(); err != io.EOF || calls != len(": ping\n\n") {
		t.Errorf("%d calls, %v", calls, err)
	}
}

// x/text decodes UTF-8 as the Encoding standard does.
func TestDecodeUTF8AgreesWithText(t *testing.T) {
	// Bytes at the edges of every range that the decoding tells apart.
	edges := []byte("A\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0\xC1\xC2\xDF\xE0\xE1\xEC\xED\xEE\xEF\xF0\xF1\xF3\xF4\xF5\xFF")
	for n := range len(edges) * len(edges) * len(edges) * len(edges) {
		b := make([]byte, 4)
		for i := range b {
			b[i] = edges[n%len(edges)]
			n /= len(edges)
		}
		want, err := unicode.UTF8.NewDecoder().Bytes(b)
		if err != nil {
			t.Fatal(err)
		}
		if got := decodeUTF8(b); got != string(want) {
			t.Fatalf("% x: got %+q, want %+q", b, got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, test := range decodeTests {
		f.Add([]byte(test.stream), uint64(1))
	}
	f.Fuzz(func(t *testing.T, stream []byte, seed uint64) {
		whole, err := decodeAll(bytes.NewReader(stream))
		if err != io.EOF {
			t.Fatal(err)
		}
		for name, r := range map[string]io.Reader{
			"byte at a time": iotest.OneByteReader(bytes.NewReader(stream)),
			"random":         &randomReader{string(stream), rand.New(rand.NewPCG(seed, 0))},
		} {
			if got, err := decodeAll(r); err != io.EOF || !slices.Equal(got, whole) {
				t.Fatalf("%q\n%s %+q, %v\nwhole %+q", stream, name, got, err, whole)
			}
		}
		if utf8.Valid(stream) {
			compareIndependent(t, stream, whole)
		}
	})
}

// compareIndependent compares ours with go-sse v0.12.0, but for its
// deviations from the specification:
//
//   - It yields an event for a block that has a type or an id and no data,
//     which is to be dropped, and such an event cannot be told from one with
//     an empty data line. So events with empty data are left out here.
//   - It strips a byte order mark from the first block that has a line, even
//     after blank lines. So streams that have one elsewhere than at their
//     start are left out.
//
// It leaves the type of an untyped event empty, and says so.
func compareIndependent(t *testing.T, stream []byte, ours []Message) {
	if bytes.LastIndex(stream, []byte("\uFEFF")) > 0 {
		return
	}
	var want, got []Message
	for event, err := range gosse.Read(bytes.NewReader(stream), &gosse.ReadConfig{MaxEventSize: len(stream) + 1}) {
		if err != nil {
			t.Fatal(err)
		}
		if event.Type == "" {
			event.Type = "message"
		}
		if event.Data != "" {
			want = append(want, Message{ID: event.LastEventID, Type: event.Type, Data: event.Data})
		}
	}
	for _, m := range ours {
		if m.Key, m.Traceparent = "", ""; m.Data != "" {
			got = append(got, m)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q\ngot    %+q\ngo-sse %+q", stream, got, want)
	}
}

func BenchmarkDecoder(b *testing.B) {
	typed := AppendBody([]byte("id: 1763820000000-0\n"), Body{Type: "order.created", Data: bytes.Repeat([]byte("x"), 128)})
	large := AppendBody([]byte("id: 1763820000000-0\n"), Body{Data: bytes.Repeat([]byte("x"), 64<<10)})
	lines := AppendBody(nil, Body{Data: bytes.Repeat([]byte("\n"), 64<<10)})
	for name, event := range map[string][]byte{
		"128": typed, "64KiB": large, "64KiB of LF": lines,
		"64KiB of LF, ended by CR": bytes.ReplaceAll(lines, []byte("\n"), []byte("\r")),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(event)))
			d := NewDecoder(&repeat{event: event})
			for b.Loop() {
				if _, err := d.Next(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type repeat struct {
	event []byte
	at    int
}

func (r *repeat) Read(p []byte) (n int, _ error) {
	for n < len(p) {
		k := copy(p[n:], r.event[r.at:])
		n, r.at = n+k, (r.at+k)%len(r.event)
	}
	return n, nil
}
