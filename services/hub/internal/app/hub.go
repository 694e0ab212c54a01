package app

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/sluice-stream/sluice/observability"
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/eventlog/boltlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// times are what no setting changes. Tests shorten them.
type times struct {
	header time.Duration // for the head of a request
	body   time.Duration // for the body of a request
	append time.Duration // for the store to take an event
	idle   time.Duration // that a connection may wait for its next request
}

func usualTimes() times {
	return times{header: 5 * time.Second, body: 10 * time.Second, append: 10 * time.Second, idle: 60 * time.Second}
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

	events  *eventlog.Log
	streams *sse.Handler

	ready atomic.Bool
}

// newHub opens the log and wires everything to it.
func newHub(s Settings, t times, public, admin net.Listener, stdout io.Writer) (*hub, error) {
	h := &hub{settings: s, times: t, publicURL: baseURL(public), adminURL: baseURL(admin),
		registry: prometheus.NewRegistry(), tidier: newTidier()}
	h.metrics = observability.NewMetrics(h.registry, s.Release, observability.Sources{
		Streams: func() sse.Stats { return h.streams.Stats() },
		Log:     h.logFigures,
	})
	h.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	h.logs = observability.NewLogQueue(stdout, logQueueBytes, h.metrics.Dropped)
	h.logger = newLogger(h.logs, s.Release)

	store, err := h.openStore()
	if err == nil {
		h.events, err = eventlog.Open(store, eventlog.Options{MemoryBudget: s.MemoryBudget})
	}
	if err != nil {
		h.logs.Close(time.Second)
		return nil, err
	}
	h.streams = h.newStreams()
	return h, nil
}

func (h *hub) openStore() (eventlog.Store, error) {
	s := &h.settings
	if s.Store == storeMemory {
		return eventlog.Memory(s.retention(), s.MaxTopics), nil
	}
	return boltlog.Open(s.Data, boltlog.Options{
		Retention: s.retention(),
		MaxTopics: s.MaxTopics,
		OnDamage: func(topic string, err error) {
			h.logger.Error("the store found a damaged record", "event_type", "sse_error", "topic", topic, "error", err.Error())
		},
	})
}

func (h *hub) newStreams() *sse.Handler {
	s := &h.settings
	heartbeat := s.HeartbeatInterval
	if heartbeat == 0 {
		heartbeat = -1 // what never is called there
	}
	files := fileLimit()
	most := s.MaxConnections
	if files > 0 {
		most = maxStreams(most, max(files-ownFiles(), 1))
	}
	if most < s.MaxConnections {
		h.logger.Info("the limit of open files (ulimit -n) allows fewer streams than --max-connections",
			"event_type", "start", "max_connections", most, "wanted", s.MaxConnections, "open_files", files)
	}
	return &sse.Handler{
		Log:               h.events,
		Node:              s.Node,
		Release:           s.Release,
		HeartbeatInterval: heartbeat,
		WriteTimeout:      s.WriteTimeout,
		MaxWriteBytes:     int(s.MaxWriteBytes),
		FlushInterval:     s.FlushInterval,
		MaxConnections:    most,
		TraceID:           func(r *http.Request) string { return traceOf(r).id },
		Observer:          &observer{logger: h.logger, metrics: h.metrics, tidier: h.tidier},
	}
}

func (h *hub) logFigures() observability.LogFigures {
	f := observability.LogFigures{MemoryBytes: h.events.Memory()}
	for _, t := range h.events.Topics() {
		f.Topics++
		if t.HotBytes > 0 {
			f.HotTopics++
		}
		if h.settings.Store != storeMemory {
			f.StoreBytes += t.State.Bytes
		}
	}
	return f
}
