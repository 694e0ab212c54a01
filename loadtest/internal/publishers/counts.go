package publishers

import (
	"sync"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sluice-stream/sluice/loadtest/internal/times"
)

// Counts are what publishers saw since the last look. Events, but for Requests.
type Counts struct {
	Requests   uint64         // that were answered for good
	Accepted   uint64         // in the log now
	Duplicates uint64         // of these, found to be there when they were sent again
	Refused    map[int]uint64 // for good, by status
	Again      uint64         // requests without an answer, or with one that leaves it open
	Unsent     uint64         // still in line at the end
	Unknown    uint64         // of which nobody knows at the end
}

// Add adds other publishers'.
func (c *Counts) Add(o Counts) {
	c.Requests += o.Requests
	c.Accepted += o.Accepted
	c.Duplicates += o.Duplicates
	for status, n := range o.Refused {
		c.refuse(status, n)
	}
	c.Again += o.Again
	c.Unsent += o.Unsent
	c.Unknown += o.Unknown
}

func (c *Counts) refuse(status int, n uint64) {
	if c.Refused == nil {
		c.Refused = map[int]uint64{}
	}
	c.Refused[status] += n
}

// Seen is what publishers saw between two looks.
type Seen struct {
	Counts
	Waiting int                      // in line now
	Publish []*hdrhistogram.Snapshot // times from when a publish should have begun until its answer
}

// sink is what connections count into.
type sink struct {
	mu sync.Mutex // guards all of it
	Counts
	publish *hdrhistogram.Histogram
}

func (k *sink) look() Seen {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := Seen{Counts: k.Counts, Publish: times.Take(k.publish)}
	k.Counts = Counts{}
	return s
}
