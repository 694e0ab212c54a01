package app

import (
	"context"
	"net/http"
	"net/netip"
	"runtime"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/sluice-stream/sluice/services/hub/internal/admission"
	"github.com/sluice-stream/sluice/services/sse"
)

// limit makes the limits of the settings.
func (h *hub) limit() {
	s := &h.settings
	h.streamShare = admission.NewShare(s.MaxConnectionsPerAddress)
	h.publishRate = admission.NewRate(s.PublishRate, maxBatch)
	h.breaker = h.newBreaker()
	h.bodies = semaphore.NewWeighted(max(maxBodies, h.cloudBound().bytes))
}

// maxBodies bounds the memory of the large bodies that are under way at a
// time, in bytes.
const maxBodies = 64 << 20

// admitStream decides who may subscribe to what.
func (h *hub) admitStream(r *http.Request, topics []string) (sse.Admission, *sse.Rejection) {
	var a sse.Admission
	who, why := h.identify(r)
	if why != nil {
		return a, why
	}
	if who != nil {
		for _, topic := range topics {
			if !who.MaySubscribe(topic) {
				return a, forbidden("subscribe", topic)
			}
		}
		a.Subject, a.Expires = who.Subject, who.Expires
	}
	from := callerOf(r)
	leave, ok := h.takeShare(r.Context(), from.address)
	if !ok {
		return a, &sse.Rejection{Status: http.StatusTooManyRequests, Type: "address-limit", Title: "Too many connections",
			Detail: "your address has as many streams as it may", RetryAfter: jittered(10 * time.Second)}
	}
	if from.forwarded {
		a.Address = from.address.String()
	}
	h.away.Add(1)
	a.Leave = func() {
		h.away.Add(-1)
		leave()
	}
	return a, nil
}

// takeShare takes one of the streams that an address may have.
func (h *hub) takeShare(ctx context.Context, a netip.Addr) (leave func(), ok bool) {
	if a.IsLoopback() && !h.settings.LimitLoopback {
		return func() {}, true
	}
	return h.streamShare.Take(ctx, a)
}

// newSockets bounds the connections of the public listener.
func (h *hub) newSockets() *admission.Sockets {
	s := &h.settings
	away := func() int { return int(h.away.Load()) }
	if runtime.GOOS != "linux" || s.TLSCert != "" {
		away = func() int { return 0 } // their sockets stay with the server
	}
	exempt := func(a netip.Addr) bool { return a.IsLoopback() || s.TrustedProxies.Trusts(a) }
	return admission.NewSockets(maxSockets(fileLimit()), socketsEach(s.MaxConnectionsPerAddress), away, exempt)
}

// admitPublish decides who may publish to a topic, and returns the subject.
// A batch is counted when it has been read; before that there has to be room
// for one event.
func (h *hub) admitPublish(r *http.Request, topic string, form form) (subject string, why *sse.Rejection) {
	if subject, why = h.mayPublish(r, topic); why != nil {
		return "", why
	}
	if err := h.breaker.Check(); err != nil {
		return "", rejectionOf(err)
	}
	var wait time.Duration
	ok := false
	if from := callerOf(r).address; form.batch() {
		wait, ok = h.publishRate.Ready(from)
	} else {
		wait, ok = h.publishRate.Take(from, 1)
	}
	if !ok {
		return "", tooFast(wait)
	}
	return subject, nil
}

func tooFast(wait time.Duration) *sse.Rejection {
	return &sse.Rejection{Status: http.StatusTooManyRequests, Type: "publish-rate", Title: "Too many events",
		Detail: "your address publishes more events a second than it may", RetryAfter: wait}
}
