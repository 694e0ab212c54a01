package report

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-stream/sluice/services/edge/internal/accesslog"
	"github.com/sluice-stream/sluice/services/edge/internal/nginx"
	"github.com/sluice-stream/sluice/services/handshakes"
)

// nginx does not say how long a handshake took. What it says is how old a
// connection is when its first request comes, which clients send at once. One
// that was older has made the connection before it needed it: of that handshake
// it is known only that it succeeded.
const oldest = time.Second

// handshakeTime returns how long a handshake took whose connection was so old
// when its first request came.
func handshakeTime(age time.Duration) time.Duration {
	if age < 0 || age >= oldest {
		return handshakes.Unknown
	}
	return age
}

// shaken notes the handshake that a connection's first request tells of.
func (r *Report) shaken(l *accesslog.Line) {
	if client, err := netip.ParseAddr(l.Client); err == nil && l.Secure && l.Requests == 1 {
		r.peers.Note(client.Unmap(), handshakeTime(l.Age-l.Took), true)
	}
}

// failedHandshake reports whether nginx complains of a handshake that failed, and
// notes it. Who only looked whether somebody listens has not failed.
func (r *Report) failedHandshake(m nginx.Message) bool {
	if !strings.Contains(m.Text, "SSL_do_handshake() failed") {
		return false
	}
	if client, err := netip.ParseAddr(m.Client); err == nil {
		r.peers.Note(client.Unmap(), handshakes.Unknown, false)
	}
	return true
}

// ServeHTTP answers nginx, which asks for a health probe how the handshakes of
// its client went. That of the probe's own connection may not be noted yet.
func (r *Report) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	client, err := netip.ParseAddr(q.Header.Get("X-Client"))
	if err != nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	successes, took, _ := r.peers.Of(client.Unmap())
	if q.Header.Get("X-Requests") == "1" {
		successes++
		if age, err := strconv.ParseFloat(q.Header.Get("X-Age"), 64); err == nil {
			if own := handshakeTime(time.Duration(age * float64(time.Second))); own >= 0 {
				took = append(took, own)
			}
		}
	}
	w.Header().Set("X-Handshakes", strconv.Itoa(successes))
	if mean, ok := meanOf(took); ok {
		w.Header().Set("X-Handshake-Time", strconv.FormatInt(mean.Microseconds(), 10))
	}
	w.WriteHeader(http.StatusNoContent)
}

// meanOf returns the mean of the last three.
func meanOf(took []time.Duration) (time.Duration, bool) {
	took = took[max(0, len(took)-3):]
	if len(took) == 0 {
		return 0, false
	}
	var sum time.Duration
	for _, d := range took {
		sum += d
	}
	return sum / time.Duration(len(took)), true
}
