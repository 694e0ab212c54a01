package app

import (
	"cmp"

	"github.com/sluice-stream/sluice/services/hub/internal/health"
	"github.com/sluice-stream/sluice/services/sse"
)

func (h *hub) newStreams() *sse.Handler {
	o := h.newObserver()
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
	pings := s.pings()
	return &sse.Handler{
		Log:               h.events,
		Own:               h.own,
		Clients:           h.clients,
		Node:              s.Node,
		Release:           s.Release,
		Releases:          s.Releases,
		HeartbeatInterval: heartbeat,
		PingInterval:      pings.interval,
		PongTimeout:       pings.timeout,
		MaxMissedPings:    pings.most,
		SocketRTT:         health.SocketRTT,
		WriteTimeout:      s.WriteTimeout,
		MaxWriteBytes:     int(s.MaxWriteBytes),
		FlushInterval:     s.FlushInterval,
		MaxConnections:    most,
		MaxTopics:         cmp.Or(s.MaxTopicsPerConnection, maxStreamTopics),
		Admit:             h.admitStream,
		Rejected:          h.streamRejected,
		Trace:             streamTrace,
		Observer:          o,
		Meter:             o,
	}
}
