package streams

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/account"
	"github.com/sluice-stream/sluice/loadtest/internal/times"
)

// Hub is an address that streams go to.
type Hub struct {
	Address string      // host:port
	Host    string      // as requests name it
	TLS     *tls.Config // nil: none
}

// Options say what streams there are. Hubs, Topics, Lanes and Path are required.
type Options struct {
	Run    uint32
	Hubs   []Hub
	Topics []string // their names, by number
	Lanes  int      // of each topic
	Path   func(topics []string) string
	Token  string

	Late      time.Duration // from when on a delivery counts as late
	SlowBytes int           // that a slow stream reads in a second
	// Spread gives each few hundred streams an address of the loopback network of
	// their own to come from, where the hub is on this machine.
	Spread     bool
	TraceRatio float64 // part of the events whose trace is sampled
}

func (o *Options) path(topics []int) string {
	names := make([]string, len(topics))
	for i, t := range topics {
		names[i] = o.Topics[t]
	}
	return o.Path(names)
}

// Spec says what a stream is.
type Spec struct {
	Number int // among all of the load test
	Hub    int // by number
	Topics []int
	Pace   Pace
}

// patience is how long a connection may take until its answer's head is here.
const patience = 30 * time.Second

// sip is the time between two reads of a slow stream.
const sip = 100 * time.Millisecond

// Set is streams that are open, or on their way. Its methods are for one
// goroutine, but for Look.
type Set struct {
	o      Options
	sinks  []*sink // of the driver's parts
	open   atomic.Int64
	driver driver
}

// driver has the sockets of streams.
type driver interface {
	// begin asks for the connection of a stream at a time.
	begin(s *stream, at time.Time)
	// visit calls f for each stream that was begun, where its state is safe to be
	// read and changed. gone is what f makes of a stream's connection.
	visit(f func(s *stream) fate)
	close()
}

// fate is what becomes of a stream after a visit.
type fate struct {
	cut   bool  // its connection is closed
	again int64 // when another is asked for: nanoseconds since the Unix epoch; 0: nothing changes
}

// NewSet returns a set without streams.
func NewSet(o Options) (*Set, error) {
	s := &Set{o: o}
	var err error
	s.driver, err = newDriver(s)
	return s, err
}

// Open asks for streams, so many a second, from a time on; it returns when the
// last is asked for, or ctx ends. A rate of 0 is all at once.
func (s *Set) Open(ctx context.Context, specs []Spec, from time.Time, rate float64) error {
	for i, spec := range specs {
		at := from
		if rate > 0 {
			at = from.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		}
		if !times.Until(ctx, at) {
			return context.Cause(ctx)
		}
		x := &stream{number: spec.Number, hub: spec.Hub, topics: spec.Topics, pace: spec.Pace}
		for range spec.Topics {
			x.had = append(x.had, account.NewTopic(s.o.Lanes))
		}
		s.driver.begin(x, at)
	}
	return nil
}

// Cut closes the connections of all streams, and of none is another asked for
// until Return.
func (s *Set) Cut() {
	s.driver.visit(func(*stream) fate { return fate{cut: true} })
}

// Shake cuts so many streams off, any of those that are open, and each comes back
// within a second.
func (s *Set) Shake(n int) {
	open := int(s.open.Load())
	if open == 0 {
		return
	}
	part := float64(n) / float64(open)
	now := time.Now()
	s.driver.visit(func(x *stream) fate {
		if !x.up || n == 0 || rand.Float64() >= part {
			return fate{}
		}
		n--
		return fate{cut: true, again: now.Add(time.Duration(rand.Int64N(int64(time.Second)))).UnixNano()}
	})
}

// Return lets all streams come back, each at a random time of a window.
func (s *Set) Return(window time.Duration) {
	now := time.Now()
	s.driver.visit(func(x *stream) fate {
		if x.was {
			x.cut = now.UnixNano()
		}
		return fate{again: now.Add(time.Duration(rand.Int64N(int64(window) + 1))).UnixNano()}
	})
}

// Look returns what came since the last look.
func (s *Set) Look() Seen {
	var seen Seen
	for _, k := range s.sinks {
		seen.add(k.look())
	}
	seen.Open = int(s.open.Load())
	return seen
}

// newSink is for the driver, while it is made.
func (s *Set) newSink() *sink {
	k := newSink()
	s.sinks = append(s.sinks, k)
	return k
}

// Sum holds all streams that were once open against what was published: by
// topic, then lane. Those that never read are left out, and those that could not
// be had at all are counted.
func (s *Set) Sum(lanes []account.Lane) (total account.Totals, without int) {
	s.driver.visit(func(x *stream) fate {
		if !x.was {
			without++
		}
		if !x.was || x.pace == Never {
			return fate{}
		}
		for i, topic := range x.topics {
			sum := x.had[i].Sum(lanes[topic*s.o.Lanes : (topic+1)*s.o.Lanes])
			if x.pace == Slow {
				sum.Slow, sum.Behind = sum.Behind, 0
			}
			total.Add(sum)
		}
		return fate{}
	})
	return total, without
}

// Close ends all streams.
func (s *Set) Close() { s.driver.close() }

// comeBack returns when a stream whose connection has ended asks for another.
func comeBack(x *stream, now int64) int64 {
	if x.final {
		return 0
	}
	const first, most = int64(time.Second), int64(time.Minute)
	if x.wait > 0 {
		return now + x.wait + rand.Int64N(x.wait/2+1)
	}
	wait := min(first<<min(x.failures, 6), most)
	return now + wait/2 + rand.Int64N(wait+1)
}
