package app

import (
	"net/http/httptest"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/logtest"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
)

// Subscribers need the memory only: an open breaker is none of theirs.
func TestOpenBreakerLeavesSubscribers(t *testing.T) {
	store := logtest.NewFaulty(eventlog.Memory(eventlog.MemoryOptions{}))
	h := newTestHub(t, store, nil).publicHandler("")
	ask := func(method, path string) int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Code
	}
	store.Set(logtest.Fail(eventlog.ErrStoreFailed))
	for range settings.Defaults().BreakerFailures {
		ask("POST", "/v1/topics/orders/events")
	}
	if got := ask("POST", "/v1/topics/orders/events"); got != 429 {
		t.Errorf("a publish is answered %d", got)
	}
	if got := ask("HEAD", "/v1/events?topic=orders"); got != 200 {
		t.Errorf("a subscription is answered %d", got)
	}
}
