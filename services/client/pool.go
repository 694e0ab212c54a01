package client

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

const (
	// idleTime is how long a connection stays open without a request.
	idleTime = 30 * time.Second
	// probeEvery is less, so that the spare connections stay, and any more than
	// those do not.
	probeEvery   = 20 * time.Second
	probeTimeout = 5 * time.Second
	dialTimeout  = 10 * time.Second
)

// newTransport returns a transport of one server. It keeps one connection more
// than spare: for a while after a break there is one more, since where one
// break was, the next is not far.
func newTransport(spare int) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		ForceAttemptHTTP2:   true,
		TLSHandshakeTimeout: dialTimeout,
		MaxIdleConnsPerHost: max(spare, 0) + 1,
		IdleConnTimeout:     idleTime,
		DisableCompression:  true, // who compresses a stream, holds it back
	}
}

// pool keeps connections open ahead of need. It leaves them to the transport,
// which knows best about proxies, TLS and HTTP/2, and only makes requests at a
// time: that opens them, and a server that allows a new connection a few
// seconds to send its first request has had one and lets it be.
//
// With HTTP/2 all requests share one connection, and the stream keeps that
// open: there is nothing to be kept beside it.
type pool struct {
	http  *http.Client
	url   string
	spare int
	want  chan int // how many to have, now
}

func newPool(c *http.Client, o *Options) *pool {
	return &pool{http: c, url: o.at("/"), spare: o.Spare, want: make(chan int, 1)}
}

// opened is called with each stream that has begun.
func (p *pool) opened(again bool) {
	n := p.spare
	if again {
		n++
	}
	select {
	case p.want <- n:
	default: // it is at it
	}
}

// run keeps the connections until ctx ends, which is when the stream does:
// while the server is away nobody must knock but the back-off.
func (p *pool) run(ctx context.Context) {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for {
		n := p.spare
		select {
		case n = <-p.want:
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if p.warm(ctx, n) {
			return
		}
	}
}

// warm makes n requests at once, on a connection each: none is sent before all
// of them have one. It reports whether the server speaks HTTP/2.
func (p *pool) warm(ctx context.Context, n int) (shared bool) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var ready, done sync.WaitGroup
	all := make(chan struct{})
	answers := make(chan bool, n)
	ready.Add(n)
	done.Go(func() {
		ready.Wait()
		close(all)
	})
	for range n {
		done.Go(func() {
			got := sync.OnceFunc(ready.Done)
			defer got()
			answers <- p.probe(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
				got()
				select {
				case <-all:
				case <-ctx.Done():
				}
			}}))
		})
	}
	done.Wait()
	for range n {
		shared = <-answers || shared
	}
	return shared
}

// probe makes the hub's cheapest request, which it answers before it looks at
// anything else. What the answer is does not matter.
func (p *pool) probe(ctx context.Context) (shared bool) {
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, p.url, nil)
	if err != nil {
		return false
	}
	r.Header.Set("X-Heartbeat", "true")
	answer, err := p.http.Do(r)
	if err != nil {
		return false // the stream will notice too, if it matters
	}
	answer.Body.Close()
	return answer.ProtoMajor >= 2
}
