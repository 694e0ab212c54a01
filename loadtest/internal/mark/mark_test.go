package mark

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
)

func TestMark(t *testing.T) {
	for _, m := range []Mark{{}, {1, 2, 3, 4}, {0xdeadbeef, 0x9abcdef0, math.MaxUint32, math.MaxInt64}, {7, 0x0a0b0c0d, 99, 1763820000123456789}} {
		for _, size := range []int{0, Least, Least + 1, 128, 4096} {
			data := Append([]byte("before"), m, size)[len("before"):]
			if len(data) != max(size, Least) || !json.Valid(data) {
				t.Fatalf("%d bytes asked, %d made: %s", size, len(data), data)
			}
			if got, found := Read(data); got != m || found != Whole {
				t.Fatalf("%+v: %+v %v", m, got, found)
			}
		}
	}
	for _, data := range []string{"", "x", `{"order":17}`, string(bytes.Repeat([]byte("x"), 200))} {
		if _, found := Read([]byte(data)); found != None {
			t.Errorf("%q: %v", data, found)
		}
	}
}

// Every bit of an event counts.
func TestDamage(t *testing.T) {
	data := Append(nil, Mark{1, 2, 3, 4}, 128)
	for i := range data {
		for bit := range 8 {
			other := bytes.Clone(data)
			other[i] ^= 1 << bit
			if m, found := Read(other); found == Whole {
				t.Fatalf("bit %d of byte %d (%q for %q): %+v", bit, i, other[i], data[i], m)
			}
		}
	}
	for n := range data {
		if _, found := Read(data[:n]); found == Whole {
			t.Fatalf("the first %d bytes are whole", n)
		}
	}
}

// A trace is sampled as often as asked, has an id of its own, and says of which
// run it is.
func TestTrace(t *testing.T) {
	seen, sampled := map[string]bool{}, 0
	for n := range uint32(10_000) {
		m := Mark{Run: 0xfeed, Lane: n / 100, Seq: n % 100}
		id, yes := m.Trace(), m.Sampled(0.25)
		if seen[id] || len(id) != 32 || id[:8] != "0000feed" {
			t.Fatal(id)
		}
		seen[id] = true
		if yes {
			sampled++
		}
		if p := Traceparent(id, yes); len(p) != 55 || p[3:35] != id {
			t.Fatal(p)
		}
	}
	if sampled < 2200 || sampled > 2800 {
		t.Errorf("%d of 10000 are sampled at 0.25", sampled)
	}
	if (Mark{Lane: 1, Seq: 1}).Sampled(0) {
		t.Error("sampled at 0")
	}
}

func BenchmarkRead(b *testing.B) {
	data := Append(nil, Mark{1, 2, 3, 4}, 128)
	for b.Loop() {
		if _, found := Read(data); found != Whole {
			b.Fatal(found)
		}
	}
}
