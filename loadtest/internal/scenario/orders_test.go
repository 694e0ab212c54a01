package scenario

import (
	"os"
	"testing"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
)

// Thirty seconds of 8,000 orders a second, over a hub on the disk: none is lost
// and none refused, however late a busy machine makes them. SLUICE_LONG=1 runs it.
func TestOrders(t *testing.T) {
	if os.Getenv("SLUICE_LONG") == "" {
		t.Skip("half a minute with all processors: SLUICE_LONG=1 runs it")
	}
	hub := hubtest.Start(t)
	budget := budgetFile(t, `{"published": {"min": 240000, "max": 240000}, "delivered": {"min": 240000}, "refused": {"max": 0}, "lost": {"max": 0}}`)
	r, said, failed := load(t, "mixed", hub.URL(), "--admin-url", "http://"+hub.Admin, "--events", "240000", "--patience", "2m", "--budget", budget)
	if failed != nil {
		t.Fatalf("%v\n%s", failed, said)
	}
	t.Logf("p99 of deliveries %.1f ms, of publishes %.1f ms", r.Figures["delivery_p99_ms"], r.Figures["publish_p99_ms"])
	if r.Inside == nil || r.Inside.Lost != 0 || r.Inside.Delivered != 240_000 {
		t.Errorf("the hub says %+v", r.Inside)
	}
}
