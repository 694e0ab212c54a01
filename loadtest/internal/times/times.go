// Package times waits for times, and has the histograms of a load test: HDR histograms (Gil Tene) of
// nanoseconds, from a microsecond to ten minutes, exact to three digits.
package times

import (
	"context"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

const most = int64(10 * time.Minute)

// New returns an empty histogram.
func New() *hdrhistogram.Histogram {
	return hdrhistogram.New(int64(time.Microsecond), most, 3)
}

// Note records a time. What a clock that stepped back makes less than nothing is
// 0, and what is beyond the end counts as the end.
func Note(h *hdrhistogram.Histogram, nanoseconds int64) {
	_ = h.RecordValue(min(max(nanoseconds, 0), most))
}

// Take exports a histogram and empties it; where nothing is in it there is no
// snapshot.
func Take(h *hdrhistogram.Histogram) []*hdrhistogram.Snapshot {
	if h.TotalCount() == 0 {
		return nil
	}
	s := h.Export()
	h.Reset()
	return []*hdrhistogram.Snapshot{s}
}

// Merge adds what was taken elsewhere.
func Merge(h *hdrhistogram.Histogram, taken []*hdrhistogram.Snapshot) {
	for _, s := range taken {
		h.Merge(hdrhistogram.Import(s))
	}
}

// MS is a quantile, from 0 to 1, in milliseconds; 0 of nothing.
func MS(h *hdrhistogram.Histogram, quantile float64) float64 {
	if h.TotalCount() == 0 {
		return 0
	}
	return float64(h.ValueAtQuantile(quantile*100)) / float64(time.Millisecond)
}

// Until waits for a time, and reports whether ctx has not ended.
func Until(ctx context.Context, at time.Time) bool {
	wait := time.Until(at)
	if wait < 200*time.Microsecond { // a sleep is no more exact than that
		return ctx.Err() == nil
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
