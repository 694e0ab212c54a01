package subscribe

import (
	"cmp"
	"log/slog"
	"sync/atomic"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/observability/traces"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/admission"
	"github.com/sluice-stream/sluice/services/hub/internal/clients"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/hub/internal/health"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
	"github.com/sluice-stream/sluice/services/sse"
)

// Options are what [Streams] are given. All are required.
type Options struct {
	Settings  *settings.Settings
	Log, Own  *eventlog.Log // of events, and of what the hub says of itself
	Clients   *clients.Table
	Front     *front.Front
	Metrics   *observability.Metrics
	Tracing   *traces.Tracing
	Logger    *slog.Logger
	Lines     *slog.Logger                  // of streams, which name their own release
	Early     func(*eventlog.GapError) bool // whether a gap is within what retention promises
	Connected func()                        // is told of every stream
}

// Streams are the open streams of one hub.
type Streams struct {
	Options
	Handler *sse.Handler

	share *admission.Share
	away  atomic.Int64 // streams that were admitted and have not left
}

// New returns what subscriptions are answered with.
func New(o Options) *Streams {
	s := &Streams{Options: o, share: admission.NewShare(o.Settings.MaxConnectionsPerAddress)}
	s.Handler = s.handler()
	return s
}

// maxStreams bounds the open streams: what the limit of open files leaves to
// them.
func (s *Streams) maxStreams() int {
	wanted, files := s.Settings.MaxConnections, settings.FileLimit()
	if files == 0 {
		return wanted
	}
	most := settings.MaxStreams(wanted, max(files-settings.OwnFiles(), 1))
	if most < wanted {
		s.Logger.Info("the limit of open files (ulimit -n) allows fewer streams than --max-connections",
			"event_type", "start", "max_connections", most, "wanted", wanted, "open_files", files)
	}
	return most
}

func (s *Streams) handler() *sse.Handler {
	o, set := s.newObserver(), s.Settings
	pings := set.Pings()
	return &sse.Handler{
		Log:               s.Log,
		Own:               s.Own,
		Clients:           s.Clients,
		Node:              set.Node,
		Release:           set.Release,
		Releases:          set.Releases,
		HeartbeatInterval: cmp.Or(set.HeartbeatInterval, -1), // what never is called there
		PingInterval:      pings.Interval,
		PongTimeout:       pings.Timeout,
		MaxMissedPings:    pings.Most,
		SocketRTT:         health.SocketRTT,
		WriteTimeout:      set.WriteTimeout,
		MaxWriteBytes:     int(set.MaxWriteBytes),
		FlushInterval:     set.FlushInterval,
		MaxConnections:    s.maxStreams(),
		MaxTopics:         cmp.Or(set.MaxTopicsPerConnection, settings.MaxStreamTopics),
		Admit:             s.admit,
		Rejected:          s.rejected,
		Trace:             traceOf,
		Observer:          o,
		Meter:             o,
	}
}
