package sse

import (
	"strings"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// OwnPrefix begins the names of the topics that are a server's own.
const OwnPrefix = "hub."

// own reports whether a topic is one of those.
func (h *Handler) own(topic string) bool { return h.Own != nil && strings.HasPrefix(topic, OwnPrefix) }

// logOf returns the log that a topic is in.
func (h *Handler) logOf(topic string) *eventlog.Log {
	if h.own(topic) {
		return h.Own
	}
	return h.Log
}
