package front

import (
	"context"
	"log"
	"log/slog"
	"strings"

	"github.com/sluice-stream/sluice/observability/logs"
)

// serverLog is what net/http complains of. Much of it is what anybody can make
// it say, without a request: that is no warning, and sampled as the lines of
// requests are.
type serverLog struct {
	logger *slog.Logger
	peers  *logs.Sampler
}

// errorLog returns a [http.Server.ErrorLog].
func (f *Front) errorLog() *log.Logger {
	return log.New(&serverLog{logger: f.given.Logger, peers: f.peerLines}, "", 0)
}

// Write takes one line of net/http.
func (s *serverLog) Write(p []byte) (int, error) {
	text := strings.TrimSuffix(string(p), "\n")
	event, fault := peerFault(text)
	switch {
	case !fault:
		s.logger.Warn(text, "event_type", "sse_error")
	case !silent(text) && s.peers.Allow(false):
		s.logger.Log(context.Background(), slog.LevelInfo, text, "event_type", event)
	}
	return len(p), nil
}

const handshakeFailed = "http: TLS handshake error from "

// peerFault reports whether the other end is to blame, and for what event. The
// texts are those of net/http, and of its HTTP/2.
func peerFault(text string) (event string, fault bool) {
	switch {
	case strings.HasPrefix(text, handshakeFailed):
		return "tls", true
	case strings.HasPrefix(text, "http2: panic serving"):
		return "", false
	case strings.HasPrefix(text, "http2: "), strings.HasPrefix(text, "timeout waiting for "):
		return "http_request", true
	}
	return "", false
}

// silent reports whether a connection was closed before it said anything, as
// the probes of balancers are.
func silent(text string) bool {
	return strings.HasPrefix(text, handshakeFailed) &&
		(strings.HasSuffix(text, ": EOF") || strings.HasSuffix(text, "connection reset by peer"))
}
