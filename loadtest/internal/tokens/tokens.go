package tokens

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/sluice-stream/sluice/loadtest/internal/account"
	"github.com/sluice-stream/sluice/loadtest/internal/crew"
	"github.com/sluice-stream/sluice/loadtest/internal/publishers"
	"github.com/sluice-stream/sluice/loadtest/internal/streams"
	"github.com/sluice-stream/sluice/loadtest/internal/target"
	"github.com/sluice-stream/sluice/loadtest/internal/times"
)

// Options say what is written and read.
type Options struct {
	Hub      *target.Hub
	Run      uint32
	Prefix   string        // of topics
	Answers  int           // at the same time
	Rate     float64       // tokens of each in a second
	For      time.Duration // that an answer takes
	Each     time.Duration // what came within it goes as one batch
	Readers  int           // of each answer; the second reloads, the others are cut off
	Patience time.Duration // for the last token, and for a publish that has no answer
}

// Load is answers that are written and read.
type Load struct {
	o    Options
	http *http.Client

	mu      sync.Mutex // guards what follows
	streams streams.Counts
	pubs    publishers.Counts
	open    int
	totals  account.Totals
	faults  []string
	token   *hdrhistogram.Histogram // from when a token came until it was read, by those who read as it is written
	publish *hdrhistogram.Histogram
	first   *hdrhistogram.Histogram // from when an answer's first token came until it was read
}

// New returns a load that has not begun.
func New(o Options) *Load {
	return &Load{o: o, token: times.New(), publish: times.New(), first: times.New()}
}

// Run writes and reads all answers.
func (l *Load) Run(ctx context.Context) error {
	client, done := l.o.Hub.Client()
	defer done()
	l.http = client
	var all sync.WaitGroup
	began := time.Now()
	for i := range l.o.Answers {
		// Not all at the same moment of their batches.
		a := &answer{load: l, topic: fmt.Sprintf("%s%08x.%d", l.o.Prefix, l.o.Run, i), began: began.Add(l.o.Each * time.Duration(i) / time.Duration(l.o.Answers))}
		a.tokens = text(l.o.Run, i, int(l.o.Rate*l.o.For.Seconds()))
		a.text = joined(a.tokens)
		a.written = make(chan struct{})
		all.Go(func() { a.write(ctx) })
		for r := range l.o.Readers {
			all.Go(func() { a.read(ctx, r) })
		}
	}
	all.Wait()
	return ctx.Err()
}

// Look returns what was seen since the last look, as workers do.
func (l *Load) Look() crew.Look {
	l.mu.Lock()
	defer l.mu.Unlock()
	look := crew.Look{
		Streams:    streams.Seen{Counts: l.streams, Open: l.open, Delivery: times.Take(l.token)},
		Publishers: publishers.Seen{Counts: l.pubs, Publish: times.Take(l.publish)},
	}
	l.streams, l.pubs = streams.Counts{}, publishers.Counts{}
	return look
}

// Totals are those of all readers, after Run.
func (l *Load) Totals() account.Totals {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.totals
}

// FirstToken is a quantile of the time that an answer's first token took to its
// readers, in milliseconds.
func (l *Load) FirstToken(quantile float64) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return times.MS(l.first, quantile)
}

// Faults says what readers have that is not what was written.
func (l *Load) Faults() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.faults
}

func (l *Load) count(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}
