package subscribe

import (
	"context"
	"net/http"
	"net/netip"
	"runtime"
	"time"

	"github.com/sluice-stream/sluice/services/hub/internal/admission"
	"github.com/sluice-stream/sluice/services/hub/internal/front"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
	"github.com/sluice-stream/sluice/services/sse"
)

// admit decides who may subscribe to what.
func (s *Streams) admit(r *http.Request, topics []string) (sse.Admission, *sse.Rejection) {
	var a sse.Admission
	who, why := s.Front.MaySubscribe(r, topics)
	if why != nil {
		return a, why
	}
	if who != nil {
		a.Subject, a.Expires = who.Subject, who.Expires
	}
	from := front.CallerOf(r)
	leave, ok := s.takeShare(r.Context(), from.Address)
	if !ok {
		return a, &sse.Rejection{Status: http.StatusTooManyRequests, Type: "address-limit", Title: "Too many connections",
			Detail: "your address has as many streams as it may", RetryAfter: front.Jittered(10 * time.Second)}
	}
	if from.Forwarded {
		a.Address = from.Address.String()
	}
	s.away.Add(1)
	a.Leave = func() {
		s.away.Add(-1)
		leave()
	}
	return a, nil
}

// takeShare takes one of the streams that an address may have.
func (s *Streams) takeShare(ctx context.Context, a netip.Addr) (leave func(), ok bool) {
	if a.IsLoopback() && !s.Settings.LimitLoopback {
		return func() {}, true
	}
	return s.share.Take(ctx, a)
}

// Sockets bounds the connections of the public listener.
func (s *Streams) Sockets() *admission.Sockets {
	set := s.Settings
	away := func() int { return int(s.away.Load()) }
	if runtime.GOOS != "linux" || s.Front.TLS() {
		away = func() int { return 0 } // their sockets stay with the server
	}
	exempt := func(a netip.Addr) bool { return a.IsLoopback() || set.TrustedProxies.Trusts(a) }
	return admission.NewSockets(settings.MaxSockets(settings.FileLimit()), settings.SocketsEach(set.MaxConnectionsPerAddress), away, exempt)
}
