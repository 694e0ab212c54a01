package app

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// BenchmarkProbe measures a probe from the first handler to its answer, next
// to the smallest of other answers.
func BenchmarkProbe(b *testing.B) {
	h := newTestHub(b, eventlog.Memory(eventlog.MemoryOptions{}), nil).publicHandler("")
	for name, header := range map[string]string{"probe": "true", "refusal": ""} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest(http.MethodGet, "/v1/events", nil)
			r.Header.Set("X-Heartbeat", header)
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(httptest.NewRecorder(), r)
			}
		})
	}
}
