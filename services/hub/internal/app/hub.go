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
	"golang.org/x/sync/semaphore"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/logs"
	"github.com/sluice-stream/sluice/observability/traces"
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

// maxStreamTopics is the most topics that a connection can be allowed.
const maxStreamTopics = 64

// maxHeaderBytes has room for what a head can rightly hold: as many topics as
// a connection may have, their longest composite id as a header and in the
// query too, a token, and some KiB of other headers.
const maxHeaderBytes = 48 << 10

// hub is one running hub.
type hub struct {
	settings  Settings
	times     times
	publicURL string
	adminURL  string

	logs     *logs.Logs
	lines    *slog.Logger // of streams, which name their own release
	logger   *slog.Logger
	tracing  *traces.Tracing
	registry *prometheus.Registry
	metrics  *observability.Metrics
	around   atomic.Pointer[surroundings]

	publishLines, requestLines, peerLines *logs.Sampler

	tidier *tidier

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

	ready    atomic.Bool
	draining atomic.Bool
}

// newHub opens the log and wires everything to it.
func newHub(s Settings, t times, public, admin net.Listener, stdout io.Writer) (*hub, error) {
	s = s.resolved()
	h := &hub{settings: s, times: t, publicURL: baseURL(s.scheme(), public), adminURL: baseURL(s.scheme(), admin),
		registry: prometheus.NewRegistry(), tidier: newTidier()}
	h.measure()
	if err := h.openLogs(stdout); err != nil {
		return nil, err
	}
	h.limit()
	h.health.Trusted = s.TrustedProxies.Sent

	err := h.openTracing(stdout)
	if err == nil {
		err = h.secure()
	}
	if err == nil {
		err = h.open()
	}
	if err != nil {
		h.stopKeys()
		h.closeTelemetry()
		return nil, err
	}
	h.streams = h.newStreams()
	return h, nil
}

// measure begins to count.
func (h *hub) measure() {
	s := &h.settings
	h.classes = newClassCounts(s.TopicClasses)
	h.around.Store(&surroundings{})
	h.publishLines, h.requestLines, h.peerLines = newLineSampler(), newLineSampler(), newLineSampler()
	h.metrics = observability.New(h.registry, observability.Options{
		Version: s.Version, Release: s.Release, Releases: s.Releases,
		Classes: h.classes.names(), Class: func(topic string) string { return h.classes.of(topic).name },
		Backend: s.Store,
		Routes:  knownRoutes(),
		From: observability.Sources{
			Streams:  func() sse.Stats { return h.streams.Stats() },
			Groups:   func() map[sse.Group]int { return h.streams.Groups() },
			Behind:   func() map[string]sse.Behind { return h.around.Load().behind },
			Stress:   func() int { return h.around.Load().stress },
			Log:      h.logFigures,
			Draining: h.draining.Load,
			Breakers: map[string]func() int{publishBreaker: func() int { return h.breaker.State() }},
			Queues: map[string]func() int{
				observability.SignalLogs:   func() int { return h.logs.Depth() },
				observability.SignalTraces: func() int { return h.tracing.Depth() },
			},
		},
	})
}

// closeTelemetry sends what waits, as far as there is time.
func (h *hub) closeTelemetry() {
	ctx, cancel := context.WithTimeout(context.Background(), telemetryGrace)
	defer cancel()
	if h.tracing != nil {
		h.tracing.Close(ctx)
	}
	h.logs.Close(ctx)
}

// telemetryGrace is how long the end may wait for the backends of telemetry.
const telemetryGrace = 2 * time.Second

// open opens what the hub keeps.
func (h *hub) open() error {
	store, err := h.openStore()
	if err != nil {
		return err
	}
	if h.events, err = eventlog.Open(h.metrics.Observed(store), eventlog.Options{MemoryBudget: h.settings.MemoryBudget}); err != nil {
		return err
	}
	if h.clients, err = h.openClients(); err != nil {
		return errors.Join(err, h.events.Close())
	}
	h.own, err = openOwn()
	return err
}
