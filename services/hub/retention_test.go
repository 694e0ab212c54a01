package main

import (
	"strings"
	"testing"
)

// What is gone because a limit was reached that the operator set is gone as
// promised, whichever limit it is: not too early.
func TestLimitsExplainGaps(t *testing.T) {
	for _, limit := range []string{"--retention-events=20", "--retention-bytes=20000", "--retention-total-bytes=20000"} {
		t.Run(limit, func(t *testing.T) {
			t.Parallel()
			h := startHub(t, "--store", "bolt", "--data", t.TempDir(), limit, "--max-event-bytes", "2000")
			first := publish(t, h, "", nil, "first")
			for range 60 {
				publish(t, h, "", nil, strings.Repeat("x", 1000))
			}
			await(t, "some are gone", func() bool {
				return metric(t, h.admin, `sse_resume_headroom_seconds{topic_class="other"}`) < 3600
			})
			h.subscribe("topic=orders", first.ID)
			gaps := func(cause string) float64 {
				return metric(t, h.admin, `sse_gaps_total{cause="`+cause+`",topic_class="other"}`)
			}
			await(t, "a gap", func() bool { return gaps("expired")+gaps("early") > 0 })
			if gaps("early") > 0 {
				t.Error("it counts as too early")
			}
		})
	}
}
