package health

import (
	"math"
	"testing"
	"time"
)

const ms = time.Millisecond

// The vectors are worked out by hand from the formula.
func TestR(t *testing.T) {
	for _, row := range []struct {
		rtts []time.Duration
		want float64
	}{
		{nil, 100},
		{[]time.Duration{0}, 100},
		{[]time.Duration{5 * ms}, 100},
		{[]time.Duration{5*ms + 495*time.Microsecond}, 99.9}, // a thousandth of the way
		{[]time.Duration{104 * ms}, 80},                      // 99 of 495
		{[]time.Duration{252500 * time.Microsecond}, 50},
		{[]time.Duration{401 * ms}, 20},
		{[]time.Duration{500 * ms}, 0},
		{[]time.Duration{time.Minute}, 0},
		{[]time.Duration{1 * ms, 2 * ms, 12 * ms}, 100},               // the mean is 5
		{[]time.Duration{100 * ms, 200 * ms, 457500 * ms / 1000}, 50}, // the mean is 252.5
		{[]time.Duration{5 * ms, 203 * ms}, 80},                       // of two
	} {
		if got := R(row.rtts...); math.Abs(got-row.want) > 1e-9 {
			t.Errorf("R(%v) = %v, want %v", row.rtts, got, row.want)
		}
	}
}

func TestT(t *testing.T) {
	for _, row := range []struct {
		n    int
		took []time.Duration
		want float64
	}{
		{0, nil, 0},
		{0, []time.Duration{ms}, 0},
		{1, []time.Duration{ms}, 50},
		{2, []time.Duration{ms}, 75},
		{3, []time.Duration{50 * ms}, 87.5},
		{4, []time.Duration{50 * ms}, 93.75},
		{10, nil, 99.90234375}, // 1023 of 1024
		{1, []time.Duration{525 * ms}, 25},
		{2, []time.Duration{240 * ms}, 60}, // h = 0.8
		{3, []time.Duration{905 * ms}, 8.75},
		{3, []time.Duration{time.Second}, 0},
		{9, []time.Duration{5 * time.Second}, 0},
		{2, []time.Duration{10 * ms, 20 * ms, 120 * ms}, 75},        // the mean is 50
		{2, []time.Duration{100 * ms, 475 * ms, time.Second}, 37.5}, // the mean is 525
		{1000000, []time.Duration{ms}, 100},
	} {
		if got := T(row.n, row.took...); math.Abs(got-row.want) > 1e-9 {
			t.Errorf("T(%d, %v) = %v, want %v", row.n, row.took, got, row.want)
		}
	}
}

func TestQ(t *testing.T) {
	for _, row := range []struct {
		behind, connections int
		want                float64
	}{
		{0, 0, 100}, {0, 1, 100}, {1, 1, 0}, {1, 4, 75}, {25, 100, 75}, {1, 1000, 99.9}, {999, 1000, 0.1},
		{3, 2, 0}, // the two are not counted at one moment
		{1, 0, 100},
	} {
		if got := Q(row.behind, row.connections); math.Abs(got-row.want) > 1e-9 {
			t.Errorf("Q(%d, %d) = %v, want %v", row.behind, row.connections, got, row.want)
		}
	}
}

func TestScore(t *testing.T) {
	for _, row := range []struct {
		r, t, q float64
		want    int
	}{
		{100, 100, 100, 100}, {0, 0, 0, 0}, {100, 0, 0, 50}, {0, 100, 0, 30}, {0, 0, 100, 20},
		{50, 50, 50, 50}, {80, 75, 100, 83}, // 40 + 22.5 + 20 = 82.5
		{100, 50, 100, 85}, {100, 87.5, 99.9, 96}, // 50 + 26.25 + 19.98 = 96.23
		{20, 8.75, 75, 28}, // 10 + 2.625 + 15 = 27.625
		{99.9, 99.9, 99.9, 100}, {0.9, 0, 0, 0}, {1, 0, 0, 1},
	} {
		if got := Score(row.r, row.t, row.q); got != row.want {
			t.Errorf("Score(%v, %v, %v) = %d, want %d", row.r, row.t, row.q, got, row.want)
		}
	}
}
