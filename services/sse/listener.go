package sse

import (
	"net"

	"github.com/sluice-stream/sluice/services/sse/internal/sockets"
)

// Listener returns a listener that also yields the sockets of HTTP/1.1
// streams that the handler itself ended, so that an http.Server which serves
// it can answer the next request on them. Without it such sockets are closed.
// It starts the delivery loops, which need descriptors of their own.
func (h *Handler) Listener(inner net.Listener) net.Listener {
	h.serve()
	return sockets.Listen(inner)
}
