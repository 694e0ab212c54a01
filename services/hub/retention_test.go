package main

import (
	"strings"
	"testing"
)

// What is gone because a limit was reached that the operator set is gone as
// promised, whichever limit it is: not too early.
func TestLimitsExplainGaps(t *testing.T) {
	t.Parallel()
	line, lines := strings.Repeat("x", 1000), strings.Repeat("\n", 2000)
	var parts atOnce
	defer parts.Wait()
	for _, c := range []struct{ limit, data string }{
		{"--retention-events=20", line}, {"--retention-bytes=20000", line}, {"--retention-total-bytes=20000", line},
		{"--retention-bytes=97000", lines}, {"--retention-total-bytes=97000", lines}, // 6 of 14 kB each
	} {
		parts.run(t, c.limit, func(t *testing.T) {
			h := startHub(t, "--store", "disk", "--data", t.TempDir(), c.limit, "--max-event-bytes", "2000")
			first := publish(t, h, "", nil, "first")
			for range 60 {
				publish(t, h, "", nil, c.data)
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

// What the memory budget takes from a log that is in memory only, no limit of
// retention explains.
func TestBudgetExplainsNoGaps(t *testing.T) {
	t.Parallel()
	h := startHub(t, "--store", "memory", "--memory-budget", "64KiB", "--max-event-bytes", "2000")
	first := publish(t, h, "", nil, "first")
	for range 200 {
		publish(t, h, "", nil, strings.Repeat("x", 1000))
	}
	h.subscribe("topic=orders", first.ID)
	await(t, "an early gap", func() bool {
		return metric(t, h.admin, `sse_gaps_total{cause="early",topic_class="other"}`) > 0
	})
}
