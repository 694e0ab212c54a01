package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/semaphore"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/admission"
	"github.com/sluice-stream/sluice/services/hub/internal/auth"
	"github.com/sluice-stream/sluice/services/hub/internal/clients"
	"github.com/sluice-stream/sluice/services/hub/internal/health"
	"github.com/sluice-stream/sluice/services/sse"
)

// times are what no setting changes. Tests shorten them.
type times struct {
	header time.Duration // for the head of a request
	body   time.Duration // for the body of a request
	append time.Duration // for the store to take an event
	idle   time.Duration // that a connection may wait for its next request
	ping   time.Duration // of silence on a connection of HTTP/2 before the peer is asked whether it lives
}

func usualTimes() times {
	return times{header: 5 * time.Second, body: 10 * time.Second, append: 10 * time.Second, idle: 60 * time.Second, ping: 30 * time.Second}
}

// maxHeaderBytes leaves room for the composite id of as many topics as a
// connection may have, and a token.
const maxHeaderBytes = 16 << 10

// hub is one running hub.
type hub struct {
	settings  Settings
	times     times
	publicURL string
	adminURL  string

	logs     *observability.LogQueue
	logger   *slog.Logger
	registry *prometheus.Registry
	metrics  *observability.Metrics
	tidier   *tidier

	adminToken   *token             // nil: operators need none
	verifier     *auth.Verifier     // nil: access is open
	stopKeys     context.CancelFunc // ends what keeps its keys up to date
	certificates *certificates      // nil: no TLS
	beginDrain   context.CancelFunc // ends the hub in order; set before it serves

	events  *eventlog.Log
	own     *eventlog.Log // what the hub says of itself
	clients *clients.Table
	classes *classCounts
	streams *sse.Handler
	health  health.Monitor

	streamShare *admission.Share
	publishRate *admission.Rate // nil: none
	breaker     *admission.Breaker
	bodies      *semaphore.Weighted // bytes of large bodies
	away        atomic.Int64        // streams that were admitted and have not left

	ready atomic.Bool
}

// newHub opens the log and wires everything to it.
func newHub(s Settings, t times, public, admin net.Listener, stdout io.Writer) (*hub, error) {
	s = s.resolved()
	h := &hub{settings: s, times: t, publicURL: baseURL(s.scheme(), public), adminURL: baseURL(s.scheme(), admin),
		registry: prometheus.NewRegistry(), tidier: newTidier()}
	h.metrics = observability.NewMetrics(h.registry, s.Releases, observability.Sources{
		Streams:  func() sse.Stats { return h.streams.Stats() },
		Releases: func() map[string]int { return h.streams.ByRelease() },
		Log:      h.logFigures,
		Breakers: map[string]func() int{publishBreaker: func() int { return h.breaker.State() }},
	})
	h.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	h.logs = observability.NewLogQueue(stdout, logQueueBytes, h.metrics.Dropped)
	lines := newLogger(h.logs)
	h.logger = lines.With("release", s.Release)

	h.classes = newClassCounts(s.TopicClasses)

	h.limit()
	h.health.Trusted = s.TrustedProxies.Sent

	err := h.secure()
	if err == nil {
		err = h.open()
	}
	if err != nil {
		h.stopKeys()
		h.logs.Close(time.Second)
		return nil, err
	}
	h.streams = h.newStreams(&observer{logger: lines, metrics: h.metrics, tidier: h.tidier})
	return h, nil
}

// open opens what the hub keeps.
func (h *hub) open() error {
	store, err := h.openStore()
	if err != nil {
		return err
	}
	if h.events, err = eventlog.Open(store, eventlog.Options{MemoryBudget: h.settings.MemoryBudget}); err != nil {
		return err
	}
	if h.clients, err = h.openClients(); err != nil {
		return errors.Join(err, h.events.Close())
	}
	h.own, err = openOwn()
	return err
}
