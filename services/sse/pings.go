package sse

import (
	"errors"
	"sync"
	"time"
)

// Health is whether the client of a stream with a two-way heartbeat answers.
type Health string

// The states of health. A stream that is dead is closed ([ReasonPongTimeout]).
const (
	Healthy  Health = "healthy"  // it answered the last ping that it had the time for
	Degraded Health = "degraded" // it has missed some
	Dead     Health = "dead"     // it has missed as many as it may
)

// pingRules are the options of two-way heartbeats, with their defaults in
// place.
type pingRules struct {
	interval time.Duration // 0: there are no pings
	timeout  time.Duration
	most     int // missed in a row; 0: any number
}

func (h *Handler) pingRules() pingRules {
	r := pingRules{
		interval: max(or(h.PingInterval, DefaultPingInterval), 0),
		timeout:  or(h.PongTimeout, DefaultPongTimeout),
		most:     max(or(h.MaxMissedPings, DefaultMaxMissedPings), 0),
	}
	if r.timeout < 0 {
		r.timeout = never
	} else {
		r.timeout = min(r.timeout, r.interval)
	}
	return r
}

// never is further ahead than any server runs: a century.
const never = 100 * 365 * 24 * time.Hour

// pings is the two-way heartbeat of one stream: pings that its driver sends,
// and pongs that arrive by requests of their own. Only the latest ping
// counts. Times are by the server's clock.
type pings struct {
	mu     sync.Mutex    // guards what follows; held to compute only
	next   time.Duration // before which no ping is sent
	sent   time.Duration // when the latest ping was
	rtt    time.Duration // from the last ping that was answered to its pong; 0: none was
	seq    uint64        // of the latest ping; 0: none was sent
	missed int32         // in a row
	state  pingState
}

type pingState uint8

const (
	pingAnswered pingState = iota // or none was sent yet
	pingAwaited
	pingMissed // a pong may come late
	pingsOver  // the stream has ended
)

func newPings(now time.Duration, r *pingRules) *pings { return &pings{next: now + r.interval} }

// due returns when turn has something to say.
func (p *pings) due(r *pingRules) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == pingAwaited && r.timeout < never {
		return p.sent + r.timeout
	}
	return p.next
}

// pingTurn is what time has brought.
type pingTurn uint8

const (
	pingWait pingTurn = iota // nothing
	pingDue                  // send the next, or put it off
	pingLost                 // a pong did not come in time
	pingDead                 // nor did the last that may be missed
)

// turn lets time pass until now. It reports too whether the stream has become
// degraded.
func (p *pings) turn(now time.Duration, r *pingRules) (turn pingTurn, degraded bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == pingAwaited && now >= p.sent+r.timeout:
		p.state = pingMissed
		p.missed++
		if p.health(r) == Dead {
			p.state = pingsOver
			return pingDead, p.missed == 1
		}
		return pingLost, p.missed == 1
	case p.state == pingAwaited && r.timeout < never, p.state == pingsOver:
		return pingWait, false
	case now >= p.next:
		return pingDue, false
	}
	return pingWait, false
}

// send begins the next ping and returns its number.
func (p *pings) send(now time.Duration, r *pingRules) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq++
	p.sent, p.next, p.state = now, now+r.interval, pingAwaited
	return p.seq
}

// busyPause is how long a ping is put off while a stream has bytes to be
// sent.
const busyPause = time.Second

func (p *pings) putOff(now time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = now + busyPause
}

// Errors of [Handler.Pong].
var (
	ErrNoConnection = errors.New("no open stream has that id; it may have ended")
	ErrForeign      = errors.New("the stream belongs to somebody else")
	ErrStalePong    = errors.New("only the latest ping can be answered")
	ErrBadPong      = errors.New("the pong is malformed")
)

// pong takes the answer to a ping. It reports whether it is the first to the
// latest ping, and whether the stream was degraded and no longer is.
func (p *pings) pong(seq uint64, now time.Duration) (rtt time.Duration, fresh, healed bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == pingsOver:
		return 0, false, false, ErrNoConnection
	case seq == 0 || seq != p.seq:
		return 0, false, false, ErrStalePong
	case p.state == pingAnswered:
		return 0, false, false, nil
	}
	healed = p.missed > 0
	p.rtt, p.missed, p.state = now-p.sent, 0, pingAnswered
	return p.rtt, true, healed, nil
}

// end makes all pongs come too late. It reports whether the stream was
// degraded.
func (p *pings) end() (degraded bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = pingsOver
	return p.missed > 0
}

// health tells the state. p.mu is held.
func (p *pings) health(r *pingRules) Health {
	switch {
	case p.missed == 0:
		return Healthy
	case r.most > 0 && int(p.missed) >= r.most:
		return Dead
	}
	return Degraded
}

// show returns the state and the last round trip.
func (p *pings) show(r *pingRules) (Health, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.health(r), p.rtt
}
