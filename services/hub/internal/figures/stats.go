package figures

import (
	"context"
	"encoding/json"
	"math"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/health"
	"github.com/sluice-stream/sluice/services/hub/internal/settings"
	"github.com/sluice-stream/sluice/services/sse"
)

// statsTopic is where the hub publishes its own figures, once a second. Who
// begins to follow it at 0 gets those of the last minutes too.
const (
	statsTopic  = sse.OwnPrefix + "stats"
	statsEvery  = time.Second
	statsKept   = 300
	statsMemory = 4 << 20
)

// Options are what [Figures] are made of. All are required.
type Options struct {
	Settings *settings.Settings
	Log, Own *eventlog.Log // of events, and of what the hub says of itself
	Classes  *Classes
	Streams  *sse.Handler
	Health   *health.Monitor // is told how many streams are behind
}

// Figures are those of one hub.
type Figures struct {
	Options
	around atomic.Pointer[surroundings]
}

// New returns figures that have seen nothing yet.
func New(o Options) *Figures {
	f := &Figures{Options: o}
	f.around.Store(&surroundings{})
	return f
}

// stats is one event of the topic. Rates are over the time since the one
// before.
type stats struct {
	TS          int64       `json:"ts"` // milliseconds since the Unix epoch
	Node        string      `json:"node"`
	Release     string      `json:"release"`
	Connections int         `json:"connections"`
	Publishes   float64     `json:"publishes_per_s"`
	Deliveries  float64     `json:"deliveries_per_s"`
	Bytes       float64     `json:"delivered_bytes_per_s"`
	Behind      int         `json:"behind"`       // connections that lag by a second or more
	BehindBytes int64       `json:"behind_bytes"` // of the furthest
	Stalls      float64     `json:"stalls_per_s"` // writes that found a full socket
	Topics      int         `json:"topics"`
	TailBytes   int64       `json:"tail_bytes"`   // recent events in memory
	MemoryBytes uint64      `json:"memory_bytes"` // that the process has from the system, by the Go runtime's account
	Goroutines  int         `json:"goroutines"`
	Classes     []classRate `json:"classes"`
}

type classRate struct {
	Class     string  `json:"class"`
	Publishes float64 `json:"publishes_per_s"`
}

// OpenOwn opens the log of what the hub says of itself.
func OpenOwn() (*eventlog.Log, error) {
	store := eventlog.Memory(eventlog.MemoryOptions{Retention: eventlog.Retention{Events: statsKept}})
	return eventlog.Open(store, eventlog.Options{MemoryBudget: statsMemory})
}

// Run looks around and publishes the hub's figures until ctx ends.
func (f *Figures) Run(ctx context.Context) {
	tick := time.NewTicker(statsEvery)
	defer tick.Stop()
	before, at := f.tally(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, after := time.Now(), f.tally()
		data, err := json.Marshal(f.stats(now, after.since(before), now.Sub(at).Seconds()))
		if err != nil {
			panic(err) // the type always marshals
		}
		// It is in memory, and no more than a figure.
		_, _ = f.Own.Append(ctx, statsTopic, eventlog.Entry{Record: eventlog.Record{Data: data}})
		before, at = after, now
	}
}

// tally is what is counted since the start.
type tally struct {
	sent      sse.Sent
	stalls    uint64
	published []uint64 // by class
}

func (f *Figures) tally() tally {
	s := f.Streams.Stats()
	return tally{s.Sent, s.Stalls, f.Classes.published()}
}

func (t tally) since(before tally) tally {
	d := tally{sse.Sent{Events: t.sent.Events - before.sent.Events, Bytes: t.sent.Bytes - before.sent.Bytes}, t.stalls - before.stalls, nil}
	for i, n := range t.published {
		d.published = append(d.published, n-before.published[i])
	}
	return d
}

func (f *Figures) stats(now time.Time, d tally, seconds float64) stats {
	rate := func(n uint64) float64 { return math.Round(float64(n)/seconds*100) / 100 }
	behind := f.lookAround()
	f.Health.SetBacklog(behind.Connections, f.Streams.Stats().Connections)
	s := stats{
		TS:          now.UnixMilli(),
		Node:        f.Settings.Node,
		Release:     f.Settings.Release,
		Connections: f.Streams.Stats().Connections,
		Deliveries:  rate(d.sent.Events),
		Bytes:       rate(d.sent.Bytes),
		Behind:      behind.Connections,
		BehindBytes: behind.Bytes,
		Stalls:      rate(d.stalls),
		Topics:      f.Log.Count(),
		TailBytes:   f.Log.Memory(),
		MemoryBytes: processMemory(),
		Goroutines:  runtime.NumGoroutine(),
	}
	total := uint64(0)
	for _, n := range d.published {
		total += n
	}
	s.Publishes = rate(total)
	for i, n := range d.published {
		s.Classes = append(s.Classes, classRate{f.Classes.all[i].Name, rate(n)})
	}
	return s
}

// processMemory returns what the runtime has from the system and has not
// given back.
func processMemory() uint64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return samples[0].Value.Uint64() - samples[1].Value.Uint64()
}
