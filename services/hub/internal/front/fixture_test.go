package front

import (
	"io"
	"log/slog"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/hub/internal/health"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
)

// newTestFront returns a front with the usual settings, but for what change
// changes; nil: nothing.
func newTestFront(t testing.TB, change func(*Options)) *Front {
	t.Helper()
	s := settings.Defaults().Resolved()
	o := Options{Settings: &s, Times: settings.UsualTimes(), Logger: slog.New(slog.DiscardHandler), Health: new(health.Monitor)}
	if change != nil {
		change(&o)
	}
	o.Metrics = observability.New(prometheus.NewRegistry(), observability.Options{Routes: Routes()})
	var err error
	if o.Tracing, err = traces.Start(t.Context(), traces.Options{Stdout: io.Discard}); err != nil {
		t.Fatal(err)
	}
	f, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}
