package publishers

import (
	"context"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/account"
	"github.com/sluice-stream/sluice/loadtest/internal/mark"
	"github.com/sluice-stream/sluice/loadtest/internal/times"
)

// Options say who publishes what. Hubs, Topics, Lanes, Connections and Path are
// required.
type Options struct {
	Run         uint32
	Hubs        []Hub
	Apart       bool     // hubs know nothing of one another: topic t is at hub t modulo their number
	Topics      []string // their names, by number
	Lanes       int      // of each topic: the connections of all publishers
	First       int      // lane of the first connection
	Connections int
	Path        func(topic string) string
	Token       string
	Header      string                                 // more header fields, each with a line end in front
	Wrap        func(topic string, data []byte) []byte // what makes a body of an event; nil: it is the event
	Type        string                                 // of the events; empty: none
	Size        func(*rand.Rand) int
	Spread      bool // connections come from addresses of the loopback network of their own
	TraceRatio  float64
	Patience    time.Duration // for how long what has no answer is sent again
}

// Set publishes over connections that are kept.
type Set struct {
	o     Options
	sink  sink
	paths []string
	conns []*publisher
	lines []*line // by hub where these are apart, else one
}

// New returns publishers that do nothing yet.
func New(o Options) *Set {
	s := &Set{o: o, sink: sink{publish: times.New()}}
	for _, topic := range o.Topics {
		s.paths = append(s.paths, o.Path(topic))
	}
	for i := range o.Connections {
		n := o.First + i
		p := &publisher{set: s, lane: n, lanes: make(ledger, len(o.Topics)), random: rand.New(rand.NewPCG(uint64(o.Run), uint64(n)))}
		p.conn.hub = o.Hubs[n%len(o.Hubs)]
		if o.Spread {
			p.conn.local = &net.TCPAddr{IP: net.IPv4(127, 0, 1, byte(1+n%250))}
		}
		s.conns = append(s.conns, p)
	}
	return s
}

// Run publishes as a plan says, from a time on, until all is answered or ctx
// ends, which is at the end of patience: what has no answer then is unknown, and
// what waits in line is not sent.
func (s *Set) Run(ctx context.Context, p Plan, from time.Time) {
	var all sync.WaitGroup
	groups := 1
	if s.o.Apart {
		groups = len(s.o.Hubs)
	}
	s.sink.mu.Lock()
	s.lines = nil
	for range groups {
		s.lines = append(s.lines, newLine())
	}
	s.sink.mu.Unlock()
	for g, l := range s.lines {
		all.Go(func() { s.arrive(ctx, p.part(g, groups), from, g, groups, l) })
		context.AfterFunc(ctx, l.close)
	}
	for _, c := range s.conns {
		all.Go(func() { c.run(ctx, s.lines[c.lane%groups], max(p.Batch, 1)) })
	}
	all.Wait()
	for _, l := range s.lines {
		n := l.drop() * max(p.Batch, 1)
		s.sink.mu.Lock()
		s.sink.Unsent += uint64(n)
		s.sink.mu.Unlock()
	}
}

// part is one of several equal parts of a plan.
func (p Plan) part(i, of int) Plan {
	p.Rate /= float64(of)
	p.Events = p.Events/of + min(max(p.Events%of-i, 0), 1)
	return p
}

// arrive fills the line of one group of topics.
func (s *Set) arrive(ctx context.Context, p Plan, from time.Time, group, of int, l *line) {
	var topics []int
	for t := range s.o.Topics {
		if t%of == group {
			topics = append(topics, t)
		}
	}
	random := rand.New(rand.NewPCG(uint64(s.o.Run)<<32|rand.Uint64N(1<<32), uint64(group)))
	if p.Rate > 0 {
		p.arrive(ctx, from, topics, random, l)
		return
	}
	l.endless(ctx, p, from, topics, random)
}

// Look returns what came since the last look.
func (s *Set) Look() Seen {
	seen := s.sink.look()
	s.sink.mu.Lock()
	lines := s.lines
	s.sink.mu.Unlock()
	for _, l := range lines {
		seen.Waiting += l.waiting()
	}
	return seen
}

// Lanes returns what is known of all lanes after Run: by connection, then topic.
func (s *Set) Lanes() [][]account.Lane {
	var all [][]account.Lane
	for _, c := range s.conns {
		all = append(all, c.lanes)
	}
	return all
}

// Close closes the connections.
func (s *Set) Close() {
	for _, c := range s.conns {
		c.conn.close()
	}
}

// marks returns the marks of the events of one request.
func (p *publisher) marks(a arrival, n int) []mark.Mark {
	p.marked = p.marked[:0]
	for i := range n {
		p.marked = append(p.marked, mark.Mark{
			Run:  p.set.o.Run,
			Lane: uint32(a.topic*p.set.o.Lanes + p.lane),
			Seq:  p.lanes[a.topic].Last + 1 + uint32(i),
			At:   a.at.UnixNano(),
		})
	}
	return p.marked
}
