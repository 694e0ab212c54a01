package eventlog

import (
	"fmt"
	"testing"

	"github.com/sluice-stream/sluice/services/wire"
)

// TestDistance: from each position, also one that is in no block, the count
// is what a reader would find.
func TestDistance(t *testing.T) {
	l, err := Open(Memory(MemoryOptions{}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	topic := l.Follow("topic")
	defer l.Leave(topic)
	if v := topic.View(); (&Cursor{Topic: topic}).Distance(&v) != (Distance{}) {
		t.Error("a topic without events is behind")
	}
	const events = 300 // several blocks
	var ids []ID
	var sizes []int64
	for i := range events {
		e := TextEntry("", fmt.Sprintf("%0*d", 1+i%50, i))
		receipt, err := l.Append(t.Context(), "topic", e)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, receipt.ID)
		sizes = append(sizes, int64(wire.IDLineLen(receipt.ID)+e.Size()))
	}
	v := topic.View()
	if len(v.blocks) < 3 {
		t.Fatalf("%d blocks", len(v.blocks))
	}
	check := func(what string, at ID, first int, more bool) {
		t.Helper()
		want := Distance{Events: events - first, More: more}
		for _, size := range sizes[first:] {
			want.Bytes += size
		}
		if first < events {
			want.Next = ids[first]
		}
		if d := (&Cursor{Topic: topic, At: at}).Distance(&v); d != want {
			t.Errorf("%s: %+v, want %+v", what, d, want)
		}
	}
	check("from the beginning", ID{}, 0, false)
	for i, id := range ids {
		check(fmt.Sprint("after event ", i), id, i+1, false)
	}

	held := v.blocks[0]
	n := len(held.marks)
	topic.mu.Lock()
	topic.log.deep = true // as if a store had the rest
	topic.evict(0)
	topic.mu.Unlock()
	v = topic.View()
	check("with the first block in the store only", ID{}, n, true)
	check("from the middle of it", ids[0], n, true)
	check("from its end", ids[n-1], n, false)
}
