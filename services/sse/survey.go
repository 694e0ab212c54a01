package sse

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluice-stream/sluice/services/sse/internal/sockets"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// ConnState is an open stream at one moment.
type ConnState struct {
	Conn
	Position string // what it has been sent, as its ids have it
	Lag      Lag
	Sent     Sent
	// Stalled is for how long its socket has accepted nothing although there
	// was something to send.
	Stalled time.Duration
	// Health is whether its client answers pings; empty where it is sent none.
	Health Health
	// RTT is the time from the last ping that was answered to its pong; 0:
	// none was.
	RTT time.Duration
	// SocketRTT is the round trip that the kernel has measured for its socket;
	// 0: unknown.
	SocketRTT time.Duration
}

// Lag is how far a stream is behind the heads of its topics.
type Lag struct {
	Events int   // that are in memory
	Bytes  int64 // of these, and of an unfinished write
	More   bool  // there are more, in the store only
	// Age is for how long the first of them has been there to be sent.
	Age time.Duration
}

// Behind tells whether a stream lags by more than the moments that delivery
// takes.
func (l Lag) Behind() bool { return stream.Lag(l).Behind() }

// Behind is how many streams are behind, and by how many bytes the furthest.
type Behind struct {
	Connections int
	Bytes       int64
}

func (b *Behind) add(bytes int64) {
	b.Connections++
	b.Bytes = max(b.Bytes, bytes)
}

// Behind looks at all streams. By topic, a stream on several counts for each
// of those in which it is behind, or for all where its socket takes nothing.
func (h *Handler) Behind() (all Behind, byTopic map[string]Behind) {
	byTopic = map[string]Behind{}
	h.survey(func(s seen) {
		lag := s.lag()
		if !lag.Behind() {
			return
		}
		all.add(lag.Bytes)
		for i := range s.Stream.Subs {
			u := &s.Stream.Subs[i]
			own := stream.Lag{Age: s.Stalled}
			own.Add(u, s.View(u), time.Now())
			if own.Behind() && !u.Own {
				b := byTopic[u.Topic.Name()]
				b.add(own.Bytes + s.Rest)
				byTopic[u.Topic.Name()] = b
			}
		}
	})
	return all, byTopic
}

// Account is how a topic's events stand to its streams.
type Account struct {
	Streams int    // that follow it now
	Behind  uint64 // events that these are still to have
}

// Accounts returns how all topics that are followed stand to their streams, the
// server's own left out.
func (h *Handler) Accounts() map[string]Account {
	topics := map[string]Account{}
	h.survey(func(s seen) {
		for i := range s.Stream.Subs {
			u := &s.Stream.Subs[i]
			if u.Own {
				continue
			}
			a := topics[u.Topic.Name()]
			a.Streams++
			a.Behind += u.Due(s.View(u))
			topics[u.Topic.Name()] = a
		}
	})
	return topics
}

// Connections returns the open streams on a topic, or of all where that is
// empty, the furthest behind first and at most so many, and how many there
// are.
func (h *Handler) Connections(topic string, most int) (worst []ConnState, total int) {
	h.survey(func(s seen) {
		if topic != "" && !s.Stream.Follows(topic) {
			return
		}
		total++
		lag := s.lag()
		at, _ := slices.BinarySearchFunc(worst, lag, func(c ConnState, l Lag) int {
			if further(c.Lag, l) >= 0 {
				return -1 // equal ones stay in front
			}
			return 1
		})
		if at >= most {
			return
		}
		worst = slices.Insert(worst, at, s.describe(lag))
		worst = worst[:min(len(worst), most)]
	})
	return worst, total
}

// further compares how far two streams are behind.
func further(a, b Lag) int {
	return cmp.Or(cmp.Compare(a.Age, b.Age), cmp.Compare(a.Bytes, b.Bytes))
}

// seen is a stream as its driver shows it to a survey, for the moment of a
// call.
type seen struct {
	session *session
	sockets.Seen
}

func (s *seen) lag() Lag {
	l := stream.Lag{Bytes: s.Rest, Age: s.Stalled}
	s.Stream.AddLag(&l, s.View)
	return Lag(l)
}

func (s *seen) describe(lag Lag) ConnState {
	x := s.session
	c := ConnState{
		Conn:      *x.describe(x.driver.Remote()),
		Position:  string(s.Stream.AppendPosition(nil, nil)),
		Lag:       lag,
		Sent:      Sent(s.Sent),
		Stalled:   s.Stalled,
		SocketRTT: x.driver.SocketRTT(),
	}
	if x.pings != nil {
		health, rtt := x.pings.Show(&x.server.heartbeat)
		c.Health, c.RTT = Health(health), rtt
	}
	return c
}

// survey calls visit for every open stream, one after the other, wherever
// its state is safe to be read.
func (h *Handler) survey(visit func(seen)) {
	s := h.serve()
	s.loops.Survey(func(v sockets.Seen) { visit(seen{v.Session.(*session), v}) })
	for _, x := range s.streams.all() {
		if c, ok := x.driver.(*requestConn); ok {
			c.show(visit)
		}
	}
}
