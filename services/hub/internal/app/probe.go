package app

import (
	"net/http"

	"github.com/sluice-stream/sluice/services/hub/internal/health"
)

// probed answers health probes, whatever their path, before anything else has
// a say.
func (h *hub) probed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if health.Asked(r) {
			h.metrics.Scored(h.health.Answer(w, r))
			return
		}
		next.ServeHTTP(w, r)
	})
}
