package eventlog

import "testing"

func BenchmarkAppendMemory(b *testing.B) {
	l := openMemory(b, Retention{}, 0, 64<<20)
	entry := numberedEntry(0, 128)
	b.ReportAllocs()
	b.SetBytes(128)
	for b.Loop() {
		if _, err := l.Append(b.Context(), "topic", entry); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCursorNext(b *testing.B) {
	c, v := benchCursor(b)
	at := c.At
	b.ReportAllocs()
	for b.Loop() {
		span, where := c.Next(&v, 4<<10)
		if where != Resident {
			c.At = at
			continue
		}
		c.At = span.Last
	}
}

func BenchmarkSpanEach(b *testing.B) {
	c, v := benchCursor(b)
	span, _ := c.Next(&v, 64<<10)
	n := 0
	b.ReportAllocs()
	b.SetBytes(int64(len(span.Bytes())))
	for b.Loop() {
		span.Each(func(_ ID, body []byte) bool { n += len(body); return true })
	}
}

func benchCursor(t testing.TB) (Cursor, View) {
	l, _ := openShelf(t, 0)
	fill(t, l, "topic", 10_000, 128)
	topic := l.Follow("topic")
	return Cursor{Topic: topic}, topic.View()
}

func TestCursorAllocatesNothing(t *testing.T) {
	c, _ := benchCursor(t)
	n := testing.AllocsPerRun(1000, func() {
		v := c.Topic.View()
		span, _ := c.Next(&v, 4<<10)
		c.At = span.Last
	})
	if n != 0 {
		t.Errorf("a sweep allocates %v times", n)
	}
}
