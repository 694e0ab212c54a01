package target

import (
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"
)

// Client returns a client for the hub with connections of its own, of which done
// closes those that nothing goes over.
func (h *Hub) Client() (c *http.Client, done func()) {
	c = &http.Client{Transport: &transport{hub: h}}
	return c, c.CloseIdleConnections
}

// transport is http.Transport for as long as the hub's certificate is checked in
// the same way, and then another.
type transport struct {
	hub *Hub // static

	mu      sync.Mutex // guards what follows
	config  *tls.Config
	current *http.Transport // made with config; nil: none was needed yet
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	current, stale := t.choose()
	if current == nil {
		if r.Body != nil {
			r.Body.Close()
		}
		return nil, stale
	}
	answer, err := current.RoundTrip(r)
	if err != nil {
		err = advise(err, stale)
	}
	return answer, err
}

// choose returns what to go by now, and why that may be of yesterday.
func (t *transport) choose() (*http.Transport, error) {
	config, stale := t.hub.checks()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != nil && config == t.config {
		return t.current, stale
	}
	if config == nil && stale != nil {
		return nil, stale
	}
	if t.current != nil {
		t.current.CloseIdleConnections() // those that are busy once they are not
	}
	t.config, t.current = config, newTransport(config.Clone()) // it changes its own
	return t.current, stale
}

// CloseIdleConnections is for http.Client's.
func (t *transport) CloseIdleConnections() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current != nil {
		t.current.CloseIdleConnections()
	}
}

// newTransport returns one as the client package has it for itself.
func newTransport(config *tls.Config) *http.Transport {
	const patience = 10 * time.Second
	dialer := &net.Dialer{Timeout: patience, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		TLSClientConfig:     config,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: patience,
		MaxIdleConnsPerHost: 16, // publishers at the same time
		IdleConnTimeout:     30 * time.Second,
		DisableCompression:  true, // who compresses a stream, holds it back
	}
}
