package admission

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, other := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		r := NewRate(10, 100)
		take := func(a netip.Addr, n int, want bool) time.Duration {
			t.Helper()
			wait, ok := r.Take(a, n)
			if ok != want {
				t.Errorf("%d events: %v, wait %v", n, ok, wait)
			}
			return wait
		}
		take(one, 100, true) // the largest batch, after a pause
		take(other, 1, true)
		if wait := take(one, 1, false); wait < 100*time.Millisecond || wait > 1200*time.Millisecond {
			t.Errorf("wait %v for one event", wait)
		}
		if wait, ok := r.Ready(one); ok || wait < 100*time.Millisecond {
			t.Errorf("ready %v, wait %v", ok, wait)
		}
		// Who waits for as long as it is told gets in, however large the batch,
		// and asking in between costs nothing.
		for _, n := range []int{1, 37, 100} {
			wait := take(one, n, false)
			if least := time.Duration(n-1) * 100 * time.Millisecond; wait < least || wait > 2*least+2*time.Second {
				t.Errorf("wait %v for %d events", wait, n)
			}
			for range 10 {
				r.Take(one, n)
				r.Ready(one)
			}
			time.Sleep(wait)
			take(one, n, true)
			for ok := true; ok; _, ok = r.Take(one, 1) { // what the jitter left
			}
		}
		if wait, ok := NewRate(0, 100).Take(one, 1e9); !ok || wait != 0 {
			t.Error("0 is a limit")
		}
		if NewRate(5000, 100).burst != 5000 {
			t.Error("a second's worth may not come at once")
		}
	})
}

// What is kept of addresses is bounded.
func TestRateForgets(t *testing.T) {
	r := NewRate(1, 1)
	for i := range maxRates + 1000 {
		r.Take(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 1)
	}
	if n := r.seen.Len(); n != maxRates {
		t.Errorf("%d addresses are kept", n)
	}
}
