package streams

import (
	"sync"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sluice-stream/sluice/loadtest/internal/slowest"
	"github.com/sluice-stream/sluice/loadtest/internal/times"
)

// Counts are what streams saw since the last look.
type Counts struct {
	Connects, Returns uint64 // answers of 200; of these, of streams that were cut off
	Failures          uint64 // connections that could not be had, or were no stream
	Ends              uint64 // of streams that were not cut off by the load test
	Refused           map[int]uint64

	Delivered uint64 // each once
	Doubled   uint64
	Disorder  uint64 // delivered, but after one that they should come before
	Damaged   uint64 // not what was sent
	Astray    uint64 // of a topic that the stream does not follow
	Foreign   uint64 // of others
	Late      uint64 // delivered later than the limit
	Gaps      uint64 // that the server told of
	Bytes     uint64
}

// Add adds other streams'.
func (c *Counts) Add(o Counts) {
	c.Connects += o.Connects
	c.Returns += o.Returns
	c.Failures += o.Failures
	c.Ends += o.Ends
	for status, n := range o.Refused {
		if c.Refused == nil {
			c.Refused = map[int]uint64{}
		}
		c.Refused[status] += n
	}
	c.Delivered += o.Delivered
	c.Doubled += o.Doubled
	c.Disorder += o.Disorder
	c.Damaged += o.Damaged
	c.Astray += o.Astray
	c.Foreign += o.Foreign
	c.Late += o.Late
	c.Gaps += o.Gaps
	c.Bytes += o.Bytes
}

func (c *Counts) refuse(status int) {
	if c.Refused == nil {
		c.Refused = map[int]uint64{}
	}
	c.Refused[status]++
}

// Seen is what streams saw between two looks. The times are snapshots: several,
// as each part of a driver has its own.
type Seen struct {
	Counts
	Open     int // now
	Slowest  slowest.List
	Connect  []*hdrhistogram.Snapshot // from when a connection should have been asked for until its answer's head
	Return   []*hdrhistogram.Snapshot // from a cut until the answer's head
	Delivery []*hdrhistogram.Snapshot // from when an event should have been published until it was read
}

func (s *Seen) add(o Seen) {
	s.Counts.Add(o.Counts)
	s.Slowest.Merge(o.Slowest)
	s.Connect = append(s.Connect, o.Connect...)
	s.Return = append(s.Return, o.Return...)
	s.Delivery = append(s.Delivery, o.Delivery...)
}

// sink is what drivers count into.
type sink struct {
	mu sync.Mutex // guards all of it
	Counts
	slowest                   slowest.List
	Connect, Return, Delivery *hdrhistogram.Histogram
}

func newSink() *sink {
	return &sink{Connect: times.New(), Return: times.New(), Delivery: times.New()}
}

// look returns what came since the last look.
func (k *sink) look() Seen {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := Seen{Counts: k.Counts, Slowest: k.slowest, Connect: times.Take(k.Connect), Return: times.Take(k.Return), Delivery: times.Take(k.Delivery)}
	k.Counts, k.slowest = Counts{}, nil
	return s
}
