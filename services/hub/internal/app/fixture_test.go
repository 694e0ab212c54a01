package app

import (
	"context"
	"io"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
)

// newTestHub returns a hub over a store, to be reached through its handlers.
func newTestHub(t testing.TB, store eventlog.Store, change func(*settings.Settings, *settings.Times)) *hub {
	t.Helper()
	s, times := settings.Defaults(), settings.UsualTimes()
	s.Store, s.AllowedHosts = settings.Memory, []string{settings.AnyHost}
	if change != nil {
		change(&s, &times)
	}
	h := &hub{settings: s.Resolved(), times: times, registry: prometheus.NewRegistry(), tidier: newTidier()}
	err := h.openTelemetry(io.Discard)
	if err == nil {
		err = h.openFront()
	}
	if err == nil {
		err = h.keep(store)
	}
	if err != nil {
		t.Fatal(err)
	}
	h.furnish()
	t.Cleanup(func() {
		h.streams.Handler.Shutdown(context.Background())
		h.events.Close()
		h.closeClients()
		h.own.Close()
		h.front.Close()
		h.closeTelemetry()
	})
	return h
}
