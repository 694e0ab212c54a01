package eventlog

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// TestEach visits what a view has between two positions, over the borders of
// blocks.
func TestEach(t *testing.T) {
	l, _ := openShelf(t, 0)
	ids := fill(t, l, "topic", 300, 1000)
	topic := l.Follow("topic")
	defer l.Leave(topic)
	v := topic.View()
	if len(v.blocks) < 3 {
		t.Fatalf("%d blocks: the test wants borders", len(v.blocks))
	}
	for _, c := range [][2]int{{-1, 299}, {0, 299}, {150, 151}, {298, 299}, {299, 299}, {10, 280}, {20, 5}} {
		after := ID{}
		if c[0] >= 0 {
			after = ids[c[0]]
		}
		want := c[0] + 1
		v.Each(after, ids[c[1]], func(e Visible) bool {
			if e.ID != ids[want] {
				t.Fatalf("(%d, %d]: got %v, want %v", c[0], c[1], e.ID, ids[want])
			}
			if !bytes.HasPrefix(e.Wire, []byte("data: ")) || !bytes.HasSuffix(e.Wire, fmt.Appendf(nil, "\nid: %v\n\n", e.ID)) {
				t.Fatalf("%v is %.40q…", e.ID, e.Wire)
			}
			want++
			return true
		})
		if want != max(c[1], c[0])+1 {
			t.Errorf("(%d, %d]: ended before %d", c[0], c[1], want)
		}
	}
	n := 0
	v.Each(ID{}, wire.MaxID, func(Visible) bool { n++; return n < 7 })
	if n != 7 {
		t.Errorf("went on to %d", n)
	}
}

func TestSpanEvent(t *testing.T) {
	l, _ := openShelf(t, 0)
	ids := fill(t, l, "topic", 20, 10)
	topic := l.Follow("topic")
	defer l.Leave(topic)
	v := topic.View()
	c := Cursor{Topic: topic, At: ids[4]}
	span, _ := c.Next(&v, 1<<20)
	var whole []byte
	for i := range span.Events {
		e := span.Event(i)
		if e.ID != ids[5+i] {
			t.Errorf("event %d is %v, want %v", i, e.ID, ids[5+i])
		}
		whole = append(whole, e.Wire...)
	}
	if span.Events != 15 || !bytes.Equal(whole, span.Bytes()) {
		t.Errorf("%d events are not what the span has", span.Events)
	}
}

// TestAge: exact while an event is young, and never that of a younger one.
func TestAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := Open(Memory(MemoryOptions{}), Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		time.Sleep(3*time.Hour + 17*time.Microsecond) // the moments have wrapped around
		if _, err := l.Append(t.Context(), "topic", TextEntry("", "1")); err != nil {
			t.Fatal(err)
		}
		born := time.Now()
		topic := l.Follow("topic")
		defer l.Leave(topic)
		view := topic.View()
		var e Visible
		view.Each(ID{}, wire.MaxID, func(v Visible) bool { e = v; return true })
		for _, age := range []time.Duration{0, 1500*time.Millisecond + 3*time.Microsecond, 29 * time.Minute} {
			time.Sleep(time.Until(born.Add(age)))
			if got := l.Age(e, time.Now()); got != age {
				t.Errorf("after %v it is %v old", age, got)
			}
		}
		for _, age := range []time.Duration{31 * time.Minute, 72 * time.Minute, 5 * time.Hour} {
			time.Sleep(time.Until(born.Add(age)))
			if got := l.Age(e, time.Now()); got < age || got > age+time.Millisecond {
				t.Errorf("after %v it is %v old", age, got)
			}
		}
	})
}
