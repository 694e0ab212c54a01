package slowest

import (
	"math/rand/v2"
	"testing"

	"github.com/sluice-stream/sluice/loadtest/internal/mark"
)

func TestList(t *testing.T) {
	var a, b List
	for _, n := range rand.Perm(1000) {
		to := &a
		if n%2 == 0 {
			to = &b
		}
		to.Add(mark.Mark{Run: 1, Seq: uint32(n)}, int64(n), n)
		to.Add(mark.Mark{Run: 1, Seq: uint32(n)}, int64(n)/2, 0) // sooner, elsewhere
	}
	a.Merge(b)
	if len(a) != Most {
		t.Fatal(a)
	}
	for i, x := range a {
		if want := int64(999 - i); x.Took != want || x.Stream != int(want) || x.Trace != (mark.Mark{Run: 1, Seq: uint32(want)}).Trace() {
			t.Errorf("%d: %+v, want %d", i, x, want)
		}
	}
}
