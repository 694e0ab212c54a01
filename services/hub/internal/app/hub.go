package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/logs"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/pebblelog"
	"github.com/sluice-stream/sluice/services/hub/internal/clients"
	"github.com/sluice-stream/sluice/services/hub/internal/figures"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/hub/internal/health"
	"github.com/sluice-stream/sluice/services/hub/internal/publish"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
	"github.com/sluice-stream/sluice/services/hub/internal/subscribe"
)

// hub is one running hub: the rooms, and what they are given.
type hub struct {
	settings settings.Settings
	times    settings.Times

	// Telemetry.
	logs     *logs.Logs
	lines    *slog.Logger // of streams, which name their own release
	logger   *slog.Logger
	tracing  *traces.Tracing
	registry *prometheus.Registry
	metrics  *observability.Metrics

	// What is kept.
	events  *eventlog.Log
	disk    *pebblelog.Store // events is over it; nil: it is in memory
	own     *eventlog.Log    // what the hub says of itself
	clients *clients.Table

	// The rooms.
	classes   *figures.Classes
	kept      *figures.Kept
	figures   *figures.Figures
	began     time.Time
	front     *front.Front
	publisher *publish.Publisher
	streams   *subscribe.Streams
	health    health.Monitor
	tidier    *tidier

	broken     chan error         // one slot: why the store can't go on
	beginDrain context.CancelFunc // ends the hub in order; set before it serves
	ready      atomic.Bool
	draining   atomic.Bool
}

// newHub opens what a hub keeps and wires the rooms to it.
func newHub(s settings.Settings, t settings.Times, stdout io.Writer) (*hub, error) {
	h := &hub{settings: s.Resolved(), times: t, registry: prometheus.NewRegistry(), tidier: newTidier(), broken: make(chan error, 1)}
	if err := h.openTelemetry(stdout); err != nil {
		return nil, err
	}
	err := h.openFront()
	if err == nil {
		err = h.open()
	}
	if err != nil {
		h.closeTelemetry()
		return nil, err
	}
	h.furnish()
	return h, nil
}

func (h *hub) openFront() (err error) {
	h.health.Trusted = h.settings.TrustedProxies.Sent
	h.front, err = front.New(front.Options{Settings: &h.settings, Times: h.times,
		Logger: h.logger, Tracing: h.tracing, Metrics: h.metrics, Health: &h.health})
	return err
}

// open opens what the hub keeps.
func (h *hub) open() error {
	store, err := h.openStore()
	if err == nil {
		err = h.keep(store)
	}
	if err != nil {
		h.front.Close()
	}
	return err
}

// keep opens the logs, of events over a store.
func (h *hub) keep(store eventlog.Store) (err error) {
	if h.events, err = eventlog.Open(h.metrics.Observed(store), eventlog.Options{MemoryBudget: h.settings.TailMemory(), Dropped: h.classes.Dropped}); err != nil {
		return err
	}
	if h.clients, err = h.openClients(); err != nil {
		return errors.Join(err, h.events.Close())
	}
	h.own, err = figures.OpenOwn()
	return err
}

// furnish makes the rooms and gives each what it needs.
func (h *hub) furnish() {
	s := &h.settings
	h.kept = &figures.Kept{Settings: s, Log: h.events, Classes: h.classes}
	h.publisher = publish.New(publish.Options{Settings: s, Times: h.times, Log: h.events, Front: h.front,
		Classes: h.classes, Metrics: h.metrics, Tracing: h.tracing, Logger: h.logger})
	h.streams = subscribe.New(subscribe.Options{Settings: s, Log: h.events, Own: h.own, Clients: h.clients, Front: h.front,
		Metrics: h.metrics, Tracing: h.tracing, Logger: h.logger, Lines: h.lines, Early: h.kept.Early, Connected: h.tidier.connected})
	h.figures = figures.New(figures.Options{Settings: s, Log: h.events, Own: h.own, Classes: h.classes,
		Streams: h.streams.Handler, Health: &h.health})
}
