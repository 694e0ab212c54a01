package sse

import (
	"cmp"
	"slices"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
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

// behindAge is from which age of its lag on a stream is called behind. Any
// stream has something to be sent at some moments.
const behindAge = time.Second

// Behind tells whether a stream lags by more than the moments that delivery
// takes.
func (l Lag) Behind() bool { return l.Age >= behindAge }

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
		for i := range s.stream.subs {
			u := &s.stream.subs[i]
			own := Lag{Age: s.stalled}
			own.add(u, s.view(u), time.Now())
			if own.Behind() && !u.own {
				b := byTopic[u.Topic.Name()]
				b.add(own.Bytes + s.rest)
				byTopic[u.Topic.Name()] = b
			}
		}
	})
	return all, byTopic
}

// Topics returns how many streams follow each topic that is followed, the
// server's own left out.
func (h *Handler) Topics() map[string]int {
	topics := map[string]int{}
	h.survey(func(s seen) {
		for i := range s.stream.subs {
			if u := &s.stream.subs[i]; !u.own {
				topics[u.Topic.Name()]++
			}
		}
	})
	return topics
}

// Connections returns the open streams on a topic, or of all where that is
// empty, the furthest behind first and at most so many, and how many there
// are.
func (h *Handler) Connections(topic string, most int) (worst []ConnState, total int) {
	h.survey(func(s seen) {
		if topic != "" && !s.stream.follows(topic) {
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
		worst = slices.Insert(worst, at, s.describe(h, lag))
		worst = worst[:min(len(worst), most)]
	})
	return worst, total
}

// further compares how far two streams are behind.
func further(a, b Lag) int {
	return cmp.Or(cmp.Compare(a.Age, b.Age), cmp.Compare(a.Bytes, b.Bytes))
}

// seen is a stream as its owner shows it to a survey, for the moment of a
// call.
type seen struct {
	meta    *meta
	stream  *stream
	view    func(*sub) *eventlog.View
	driver  driver
	sent    Sent
	stalled time.Duration
	rest    int64 // bytes of an unfinished write
}

// driver is what writes a stream.
type driver interface {
	// remote returns the address of the peer.
	remote() string
	// socketRTT returns the round trip that the kernel has measured for the
	// socket, smoothed; 0: unknown.
	socketRTT() time.Duration
}

func (s *seen) lag() Lag {
	l := Lag{Bytes: s.rest, Age: s.stalled}
	s.stream.addLag(&l, s.view)
	return l
}

func (s *stream) addLag(l *Lag, view func(*sub) *eventlog.View) {
	now := time.Now()
	for i := range s.subs {
		if u := &s.subs[i]; !u.own {
			l.add(u, view(u), now)
		}
	}
}

func (l *Lag) add(u *sub, v *eventlog.View, now time.Time) {
	d := u.Distance(v)
	l.Events += d.Events
	l.Bytes += d.Bytes
	l.More = l.More || d.More
	if !d.Next.IsZero() {
		l.Age = max(l.Age, now.Sub(time.UnixMilli(int64(d.Next.MS))))
	}
}

func (s *seen) describe(h *Handler, lag Lag) ConnState {
	c := ConnState{
		Conn:      *s.meta.describe(h, s.driver.remote(), s.stream),
		Position:  string(s.stream.appendPosition(nil, nil)),
		Lag:       lag,
		Sent:      s.sent,
		Stalled:   s.stalled,
		SocketRTT: s.driver.socketRTT(),
	}
	if p := s.meta.pings; p != nil {
		c.Health, c.RTT = p.show(&h.serve().pings)
	}
	return c
}

// survey calls visit for every open stream, one after the other, wherever
// its state is safe to be read.
func (h *Handler) survey(visit func(seen)) {
	s := h.serve()
	s.loops.survey(visit)
	for _, e := range s.streams.all() {
		if c, ok := e.(*requestConn); ok {
			c.show(visit)
		}
	}
}
