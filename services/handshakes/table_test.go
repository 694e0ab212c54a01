package handshakes

import (
	"net/netip"
	"testing"
	"time"
)

// Addresses are bounded in number, and the last seen stay.
func TestPeersAreBounded(t *testing.T) {
	var p Table
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	for i := range 3 * MaxPeers {
		p.Note(addr(i), time.Millisecond, true)
		p.Note(addr(0), time.Millisecond, true) // comes all along
	}
	if p.order.Len() != MaxPeers || p.Peers() != MaxPeers {
		t.Errorf("%d and %d peers", p.order.Len(), p.Peers())
	}
	for i, want := range map[int]int{0: 3*MaxPeers + 1, 5: 0, 3*MaxPeers - 1: 1} { // the second was forgotten
		if got, _, known := p.Of(addr(i)); got != want || known != (want > 0) {
			t.Errorf("peer %d: %v, %v", i, got, known)
		}
	}
}

// The last three measurements count.
func TestRecent(t *testing.T) {
	var r Recent
	for i, want := range []float64{1, 1.5, 2, 3, 4, 5} {
		r.Add(time.Duration(i + 1))
		if got := mean(r.All()); got != want {
			t.Errorf("after %d: %v, want %v", i+1, got, want)
		}
	}
}

func mean(all []time.Duration) float64 {
	sum := 0.0
	for _, d := range all {
		sum += float64(d)
	}
	return sum / float64(len(all))
}
