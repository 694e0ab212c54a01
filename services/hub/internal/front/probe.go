package front

import (
	"net/http"

	"github.com/sluice-stream/sluice/services/hub/internal/health"
)

// probed answers health probes, whatever their path, before anything else has
// a say.
func (f *Front) probed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if health.Asked(r) {
			f.given.Metrics.Scored(f.given.Health.Answer(w, r))
			return
		}
		next.ServeHTTP(w, r)
	})
}
