package wire

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// formatCases are what the platform's own tests ask of a reader of the format
// (WHATWG HTML, section 9.2.6), in streams of our own.
var formatCases = []struct {
	name, stream string
	want         []Message
	last         string // the last id; "-": none was set
	retry        time.Duration
}{
	{"a byte order mark is no part of the first line, and of no other", "\uFEFFdata:one\n\n\uFEFFdata:two\n\ndata:three\n\n",
		[]Message{dispatched("message", "one"), dispatched("message", "three")}, "-", 0},
	{"of two byte order marks one is", "\uFEFF\uFEFFdata:one\n\ndata:two\n\n", []Message{dispatched("message", "two")}, "-", 0},
	{"comments may stand anywhere and be long", "data:a\n:\x00\n:\r\ndata:b\n:" + strings.Repeat("c", 3000) + "\rdata:d\n:data:no\n: id: 9\ndata:e\n\n",
		[]Message{dispatched("message", "a\nb\nd\ne")}, "-", 0},
	{"what no blank line ends is dropped, its id too", "retry:700\ndata:one\n\nid:x\ndata:two", []Message{dispatched("message", "one")}, "-", 700 * time.Millisecond},
	{"nor by one line ending", "id:1\ndata:one\n\nid:2\ndata:two\n", []Message{{ID: "1", Type: "message", Data: "one"}}, "1", 0},
	{"data without a value", "data:\n\ndata\ndata\n\ndata:end\n\n", []Message{dispatched("message", ""), dispatched("message", "\n"), dispatched("message", "end")}, "-", 0},
	{"a type is of one event", "event:news\ndata:a\n\ndata:b\n\n", []Message{dispatched("news", "a"), dispatched("message", "b")}, "-", 0},
	{"an empty type is message", "event: \ndata:a\n\nevent\ndata:b\n\n", []Message{dispatched("message", "a"), dispatched("message", "b")}, "-", 0},
	{"a type without data makes no event", "event:a\n\ndata:b\n\n", []Message{dispatched("message", "b")}, "-", 0},
	{"an id is any text", "id:\u2026 \u00fc,@\ndata:a\n\n", []Message{{ID: "\u2026 \u00fc,@", Type: "message", Data: "a"}}, "\u2026 \u00fc,@", 0},
	{"an id holds until there is another", "id:1\ndata:a\n\ndata:b\n\nid:2\ndata:c\n\n",
		[]Message{{ID: "1", Type: "message", Data: "a"}, {ID: "1", Type: "message", Data: "b"}, {ID: "2", Type: "message", Data: "c"}}, "2", 0},
	{"an empty id ends that", "id:1\ndata:a\n\nid:\ndata:b\n\ndata:c\n\n",
		[]Message{{ID: "1", Type: "message", Data: "a"}, dispatched("message", "b"), dispatched("message", "c")}, "", 0},
	{"so does an id line without a colon", "id:1\ndata:a\n\nid\ndata:b\n\n", []Message{{ID: "1", Type: "message", Data: "a"}, dispatched("message", "b")}, "", 0},
	{"an id without data counts", "id:1\n\ndata:a\n\n", []Message{{ID: "1", Type: "message", Data: "a"}}, "1", 0},
	{"an id with NUL is none", "id:1\x002\ndata:a\n\nid:3\ndata:b\n\nid:\x00\ndata:c\n\n",
		[]Message{dispatched("message", "a"), {ID: "3", Type: "message", Data: "b"}, {ID: "3", Type: "message", Data: "c"}}, "3", 0},
	{"an id behind the data is the same event's", "data:a\nid:1\n\n", []Message{{ID: "1", Type: "message", Data: "a"}}, "1", 0},
	{"names are exact", "data:\x00\ndata:  b\rData:no\ndata\x00:no\ndata:c\r\x00data:no\nda-ta:no\rdata_e\ndata:d\rdata:\r\n data:no\ndata:e\n\n",
		[]Message{dispatched("message", "\x00\n b\nc\nd\n\ne")}, "-", 0},
	{"retry takes digits", "retry:3000\ndata:a\n\n", []Message{dispatched("message", "a")}, "-", 3 * time.Second},
	{"and nothing else", "retry:3000\nretry:1000x\nretry:-5\nretry: \ndata:a\n\n", []Message{dispatched("message", "a")}, "-", 3 * time.Second},
	{"an empty retry says nothing", "retry\ndata:a\n\n", []Message{dispatched("message", "a")}, "-", 0},
	{"other fields are passed over", "data:a\n data\ndata\nfield:x\ntext alone\n:comment\ndata:b\n\n", []Message{dispatched("message", "a\n\nb")}, "-", 0},
	{"one space is taken off, and no tab", "data:\ta\rdata: \ndata:  b\n\n", []Message{dispatched("message", "\ta\n\n b")}, "-", 0},
	{"line endings mix", "data:a\r\ndata\ndata:b\r\n\rdata:c\n\r\n", []Message{dispatched("message", "a\n\nb"), dispatched("message", "c")}, "-", 0},
	{"NUL in data is data", "data:\x00\n\n\n\n", []Message{dispatched("message", "\x00")}, "-", 0},
	{"text is UTF-8", "data:\u20ac \U0001D11E\n\ndata:\xe2\x82\n\n", []Message{dispatched("message", "\u20ac \U0001D11E"), dispatched("message", "\uFFFD")}, "-", 0},
	{"events without data in between make none", "data:a\n\n:\nother:x\n\nother:x\ndata:b\n\n\n\ndata:c\n\n",
		[]Message{dispatched("message", "a"), dispatched("message", "b"), dispatched("message", "c")}, "-", 0},
}

// readFormat reads a stream to its end.
func readFormat(t *testing.T, r io.Reader) (all []Message, last string, retry time.Duration) {
	t.Helper()
	d := NewDecoder(r)
	for {
		m, err := d.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	last, seen := d.LastID()
	if !seen {
		last = "-"
	}
	retry, _ = d.Retry()
	return all, last, retry
}

// Each case means the same whole, byte by byte, and in two parts, wherever the
// border between them is. A stream that ends there has the events that were
// complete by then, and the id of the last of them.
func TestFormat(t *testing.T) {
	for _, c := range formatCases {
		t.Run(c.name, func(t *testing.T) {
			check := func(how string, r io.Reader) {
				t.Helper()
				if all, last, retry := readFormat(t, r); !slices.Equal(all, c.want) || last != c.last || retry != c.retry {
					t.Errorf("%s: %+q, id %q, retry %v\nwant %+q, id %q, retry %v", how, all, last, retry, c.want, c.last, c.retry)
				}
			}
			check("whole", strings.NewReader(c.stream))
			check("byte by byte", iotest.OneByteReader(strings.NewReader(c.stream)))
			for at := range len(c.stream) {
				check("in two parts", io.MultiReader(strings.NewReader(c.stream[:at]), strings.NewReader(c.stream[at:])))
				all, last, _ := readFormat(t, strings.NewReader(c.stream[:at]))
				if len(all) > len(c.want) || !slices.Equal(all, c.want[:len(all)]) {
					t.Errorf("cut at %d: %+q", at, all)
				}
				if n := len(all); last != "-" && n > 0 && n < len(c.want) && last != all[n-1].ID && last != c.want[n].ID {
					t.Errorf("cut at %d: id %q after %+q", at, last, all)
				}
			}
		})
	}
}
