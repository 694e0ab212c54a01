package account

import (
	"math/rand/v2"
	"testing"
)

// take gives a topic of one lane events, whose ids are their numbers times ten.
func take(t *Topic, numbers ...uint32) (verdicts []Verdict) {
	for _, n := range numbers {
		verdicts = append(verdicts, t.Take(0, n, ID{1, uint64(n) * 10}))
	}
	return verdicts
}

func TestVerdicts(t *testing.T) {
	for name, c := range map[string]struct {
		came  []uint32
		last  Lane
		total Totals
		bad   Verdict // of one event
	}{
		"all":            {[]uint32{1, 2, 3}, Lane{Last: 3}, Totals{Due: 3, Delivered: 3}, New},
		"nothing":        {nil, Lane{Last: 3}, Totals{Due: 3, Behind: 3}, New},
		"the end behind": {[]uint32{1}, Lane{Last: 3}, Totals{Due: 3, Delivered: 1, Behind: 2}, New},
		"one lost":       {[]uint32{1, 3}, Lane{Last: 3}, Totals{Due: 3, Delivered: 2, Lost: 1}, New},
		"the first lost": {[]uint32{2, 3}, Lane{Last: 3}, Totals{Due: 3, Delivered: 2, Lost: 1}, New},
		"doubled":        {[]uint32{1, 2, 2, 3}, Lane{Last: 3}, Totals{Due: 3, Delivered: 3}, Doubled},
		"long ago":       {[]uint32{1, 2, 3, 1}, Lane{Last: 3}, Totals{Due: 3, Delivered: 3}, Doubled},
		"swapped":        {[]uint32{2, 1, 3}, Lane{Last: 3}, Totals{Due: 3, Delivered: 3}, Disorder},
		"refused":        {[]uint32{1, 3}, Lane{Last: 3, Refused: []uint32{2}}, Totals{Due: 2, Delivered: 2}, New},
		"refused, yet":   {[]uint32{1, 2, 3}, Lane{Last: 3, Refused: []uint32{2}}, Totals{Due: 2, Delivered: 2, Extra: 1}, New},
		"unknown":        {[]uint32{1, 2}, Lane{Last: 2, Doubt: 3}, Totals{Due: 2, Delivered: 2}, New},
		"unknown, came":  {[]uint32{1, 2, 3}, Lane{Last: 2, Doubt: 3}, Totals{Due: 2, Delivered: 2}, New},
		"out of nothing": {[]uint32{1, 2, 3, 4}, Lane{Last: 3}, Totals{Due: 3, Delivered: 3, Extra: 1}, New},
	} {
		topic := NewTopic(1)
		bad := New
		for _, v := range take(&topic, c.came...) {
			bad = max(bad, v)
		}
		if got := topic.Sum([]Lane{c.last}); got != c.total || bad != c.bad {
			t.Errorf("%s: %+v and %v, want %+v and %v", name, got, bad, c.total, c.bad)
		}
	}
}

// What is missing around a gap that was told is told of, also in a lane of which
// nothing came after it; what is missing later is lost.
func TestToldGap(t *testing.T) {
	topic := NewTopic(3)
	topic.Take(0, 1, ID{1, 1})
	topic.Gap()
	topic.Take(0, 5, ID{1, 9})
	topic.Take(1, 3, ID{1, 10})
	topic.Take(1, 5, ID{1, 11})
	want := Totals{Due: 5 + 5 + 4, Delivered: 2 + 2, Told: 3 + 2 + 4, Lost: 1}
	if got := topic.Sum([]Lane{{Last: 5}, {Last: 5}, {Last: 4}}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Two lanes in another order than the log's: each by itself is in order.
func TestOrderByID(t *testing.T) {
	topic := NewTopic(2)
	topic.Take(0, 1, ID{5, 0})
	if v := topic.Take(1, 1, ID{4, 9}); v != Disorder {
		t.Error(v)
	}
	if v := topic.Take(1, 2, ID{}); v != New {
		t.Errorf("without ids: %v", v)
	}
	topic.Rewound()
	if v := topic.Take(1, 3, ID{1, 1}); v != New {
		t.Errorf("ids from the beginning: %v", v)
	}
}

// Whatever comes in whatever order, the sum is what a table of all numbers says.
func TestAgainstTable(t *testing.T) {
	for range 3000 {
		const most = 12
		topic := NewTopic(1)
		came := map[uint32]bool{}
		for range rand.IntN(20) {
			n := 1 + rand.Uint32N(most)
			v := topic.Take(0, n, ID{})
			if came[n] != (v == Doubled) {
				t.Fatalf("%d came before: %v, and is %v", n, came[n], v)
			}
			came[n] = true
		}
		l := Lane{Last: most}
		highest := uint32(0)
		for n := uint32(1); n <= most; n++ {
			if rand.IntN(4) == 0 {
				l.Refused = append(l.Refused, n)
			}
			if came[n] {
				highest = n
			}
		}
		var want Totals
		for n := uint32(1); n <= most; n++ {
			switch refused := l.refused(n, n) == 1; {
			case refused && came[n]:
				want.Extra++
			case refused:
			case came[n]:
				want.Due, want.Delivered = want.Due+1, want.Delivered+1
			case n > highest:
				want.Due, want.Behind = want.Due+1, want.Behind+1
			default:
				want.Due, want.Lost = want.Due+1, want.Lost+1
			}
		}
		if got := topic.Sum([]Lane{l}); got != want {
			t.Fatalf("%v of %+v: %+v, want %+v", came, l, got, want)
		}
	}
}

func BenchmarkTake(b *testing.B) {
	topic := NewTopic(16)
	n := uint32(0)
	for b.Loop() {
		n++
		topic.Take(n%16, 1+(n-1)/16, ID{1, uint64(n)})
	}
}
