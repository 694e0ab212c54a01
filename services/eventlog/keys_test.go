package eventlog

import (
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"
)

func numbered(n uint64) KeyRecord {
	r := KeyRecord{ID: ID{MS: 1_000_000 + n/4, Seq: n % 4}}
	binary.LittleEndian.PutUint64(r.Key[:], n)
	binary.LittleEndian.PutUint64(r.Fingerprint[:], ^n)
	return r
}

// TestKeysAtRandom compares with what a plain list would remember.
func TestKeysAtRandom(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for _, o := range []KeyOptions{{}, {Age: time.Second}, {Most: 700}, {Age: 500 * time.Millisecond, Most: 1900}} {
		k := NewKeys(o)
		var list []KeyRecord // rising
		now, pushed := time.UnixMilli(1_000_000), uint64(0)
		find := func(key [16]byte) *KeyRecord {
			for i := len(list) - 1; i >= 0; i-- {
				if r := &list[i]; r.Key == key && (o.Age == 0 || !time.UnixMilli(int64(r.ID.MS)).Before(now.Add(-o.Age))) {
					return r
				}
			}
			return nil
		}
		for n := range uint64(3000) {
			r := numbered(n)
			now = time.UnixMilli(int64(r.ID.MS))
			if rnd.IntN(3) == 0 { // one that was there
				r.Key = numbered(rnd.Uint64N(n + 1)).Key
			}
			want := find(r.Key)
			got, ok := k.Find(r.Key, now)
			if ok != (want != nil) || ok && *got != *want {
				t.Fatalf("%+v: key %d is %+v, %v, want %+v", o, n, got, ok, want)
			}
			if !ok {
				k.Add(r)
				list = append(list, r)
			}
			if o.Most > 0 && len(list) > o.Most {
				list = list[1:]
				pushed++
			}
			if rnd.IntN(500) == 0 {
				for k.Expire(now) {
				}
				for o.Age > 0 && len(list) > 0 && time.UnixMilli(int64(list[0].ID.MS)).Before(now.Add(-o.Age)) {
					list = list[1:]
				}
			}
			if s := k.Stats(); s != (KeyStats{len(list), pushed}) {
				t.Fatalf("%+v: %+v, want %d and %d", o, s, len(list), pushed)
			}
		}
		if k.Last() != list[len(list)-1].ID || len(list) < 3000 && o != (KeyOptions{}) && !k.Floor().Less(list[0].ID) {
			t.Errorf("%+v: last %v, floor %v", o, k.Last(), k.Floor())
		}
	}
}

// TestKeysWrap has the numbers of the records wrap around.
func TestKeysWrap(t *testing.T) {
	k := NewKeys(KeyOptions{Most: 1000})
	k.first, k.next = 1<<32-keyChunk, 1<<32-keyChunk
	for n := range uint64(5000) {
		k.Add(numbered(n))
		for _, back := range []uint64{0, 300, 999} {
			if r, ok := k.Find(numbered(n-back).Key, time.Time{}); n >= back && (!ok || r.ID != numbered(n-back).ID) {
				t.Fatalf("after %d, %d is %+v, %v", n, n-back, r, ok)
			}
		}
	}
}

// TestKeysMemory measures what a key takes, and that it is given back.
func TestKeysMemory(t *testing.T) {
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	before := heap()
	for _, most := range []int{100_000} {
		k := NewKeys(KeyOptions{Most: most, Age: time.Second})
		for n := range uint64(most) {
			k.Add(numbered(n))
		}
		full := (heap() - before) / float64(most)
		for n := range uint64(2 * most) {
			k.Add(numbered(uint64(most) + n))
		}
		used := (heap() - before) / float64(most)
		t.Logf("%d keys: %.0f bytes each, %.0f after all were replaced twice", most, full, used)
		if full > 120 || used > 120 {
			t.Errorf("%d keys take %.0f bytes each, %.0f after all were replaced twice", most, full, used)
		}
		for k.Expire(time.Now()) {
		}
		if left := heap() - before; left > 200_000 {
			t.Errorf("%.0f bytes are left of %d keys", left, most)
		}
		runtime.KeepAlive(k)
	}
}

func TestKeysFind(t *testing.T) {
	a := (&Idempotency{Key: [16]byte{1}}).In("topic")
	if a == (&Idempotency{Key: [16]byte{1}}).In("other") || a == (&Idempotency{Key: [16]byte{2}}).In("topic") {
		t.Error("different keys are remembered as one")
	}
	i := &Idempotency{}
	if n := testing.AllocsPerRun(100, func() { i.In("topic") }); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
}
