package main

import (
	"net/http"
	"strings"
	"testing"
)

// With limits at 0, an event may be as large as there can be one, and arrives
// whole beside small ones.
func TestLimitsAreOff(t *testing.T) {
	h := startHub(t, "--max-event-bytes", "0", "--max-write-bytes", "0", "--write-timeout", "0", "--heartbeat-interval", "0",
		"--max-topics", "0", "--max-connections", "0", "--retention-age", "0", "--idempotency-keys", "0")
	streams := []*stream{h.subscribe("topic=orders", ""), h.subscribe("topic=orders&topic=payments", "")}
	for _, size := range []int{1, 16 << 20, 1} {
		want := publish(t, h, "", nil, strings.Repeat("x", size))
		for _, s := range streams {
			s.MaxEventBytes = 64 << 20
			if m, err := s.Next(); err != nil || m.Data != want.Data {
				t.Fatalf("read %d bytes, %v; want %d", len(m.Data), err, size)
			}
		}
	}
	if room := metric(t, h.admin, `sse_resume_headroom_seconds{topic_class="other"}`); room < 3600 {
		t.Errorf("events are kept for ever, and clients may be away for %v s", room)
	}
	r, err := http.NewRequest("POST", h.public+"/v1/topics/orders/events", strings.NewReader(strings.Repeat("x", 16<<20+1)))
	if err != nil {
		t.Fatal(err)
	}
	checkProblem(t, r, 413, "event-too-large")
}
