package heartbeat

import (
	"sync"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// Health is whether the client of a stream with a two-way heartbeat answers.
type Health string

// The states of health.
const (
	Healthy  Health = "healthy"
	Degraded Health = "degraded"
	Dead     Health = "dead"
)

// Pings is the two-way heartbeat of one stream: pings that its driver sends,
// and pongs that arrive by requests of their own. Only the latest ping
// counts.
type Pings struct {
	mu     sync.Mutex    // guards what follows; held to compute only
	next   time.Duration // before which no ping is sent
	sent   time.Duration // when the latest ping was
	rtt    time.Duration // from the last ping that was answered to its pong; 0: none was
	seq    uint64        // of the latest ping; 0: none was sent
	missed int32         // in a row
	state  state
}

type state uint8

const (
	answered state = iota // or none was sent yet
	awaited
	missed // a pong may come late
	over   // the stream has ended
)

// New returns the heartbeat of a stream that begins now.
func New(now time.Duration, r *Rules) *Pings { return &Pings{next: now + r.Interval} }

// Due returns when Turn has something to say.
func (p *Pings) Due(r *Rules) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == awaited && r.Timeout < Never {
		return p.sent + r.Timeout
	}
	return p.next
}

// Turn is what time has brought.
type Turn uint8

// The turns.
const (
	TurnWait Turn = iota // nothing
	TurnPing             // send the next, or put it off
	TurnLost             // a pong did not come in time
	TurnDead             // nor did the last that may be missed
)

// Turn lets time pass until now. It reports too whether the stream has become
// degraded.
func (p *Pings) Turn(now time.Duration, r *Rules) (turn Turn, degraded bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == awaited && now >= p.sent+r.Timeout:
		p.state = missed
		p.missed++
		if p.health(r) == Dead {
			p.state = over
			return TurnDead, p.missed == 1
		}
		return TurnLost, p.missed == 1
	case p.state == awaited && r.Timeout < Never, p.state == over:
		return TurnWait, false
	case now >= p.next:
		return TurnPing, false
	}
	return TurnWait, false
}

// Append begins the next ping and appends it, with the time by this machine's
// clock.
func (p *Pings) Append(dst []byte, now time.Duration, r *Rules) []byte {
	return wire.AppendPing(dst, wire.Ping{Seq: p.begin(now, r), TS: time.Now().UnixMilli()})
}

// begin begins the next ping and returns its number.
func (p *Pings) begin(now time.Duration, r *Rules) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seq++
	p.sent, p.next, p.state = now, now+r.Interval, awaited
	return p.seq
}

// busyPause is how long a ping is put off while a stream has bytes to be
// sent.
const busyPause = time.Second

// PutOff puts the next ping off for a moment.
func (p *Pings) PutOff(now time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = now + busyPause
}

// Answer is what a pong comes to.
type Answer uint8

// The answers.
const (
	Stale  Answer = iota // it is not to the latest ping
	Over                 // the stream has ended
	Again                // the ping was answered before
	Fresh                // it is the first to the latest ping
	Healed               // the same, and the stream is no longer degraded
)

// Pong takes the answer to a ping, and returns the round trip where it is the
// first to the latest one.
func (p *Pings) Pong(seq uint64, now time.Duration) (time.Duration, Answer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == over:
		return 0, Over
	case seq == 0 || seq != p.seq:
		return 0, Stale
	case p.state == answered:
		return 0, Again
	}
	answer := Fresh
	if p.missed > 0 {
		answer = Healed
	}
	p.rtt, p.missed, p.state = now-p.sent, 0, answered
	return p.rtt, answer
}

// End makes all pongs come too late. It reports whether the stream was
// degraded.
func (p *Pings) End() (degraded bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = over
	return p.missed > 0
}

// health tells the state. p.mu is held.
func (p *Pings) health(r *Rules) Health {
	switch {
	case p.missed == 0:
		return Healthy
	case r.Most > 0 && int(p.missed) >= r.Most:
		return Dead
	}
	return Degraded
}

// Show returns the state and the last round trip.
func (p *Pings) Show(r *Rules) (Health, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.health(r), p.rtt
}
