package probe

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/target"
	"github.com/sluice-stream/sluice/services/client"
)

// watch probes one target.
type watch struct {
	// Static.
	o         *options
	topic     string
	log       *slog.Logger
	publisher *client.Publisher
	run       string // what no other prober's events begin with

	turned atomic.Int64 // when the loop turned last, in Unix nanoseconds

	mu    sync.Mutex // guards what follows
	judge judge

	said said // owned by the goroutine that reads
}

func newWatch(o *options, one probed, m *targetMetrics, publisher *client.Publisher, log *slog.Logger) *watch {
	log = log.With("target", one.label, "topic", one.topic)
	w := &watch{o: o, topic: one.topic, publisher: publisher, run: rand.Text(), log: log,
		judge: judge{interval: o.interval, timeout: o.timeout, out: newRounds(m, log)}}
	w.said.log = w.log
	w.turned.Store(time.Now().UnixNano())
	return w
}

// note tells the judge something, with the time that it is.
func (w *watch) note(tell func(j *judge, at time.Time)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	tell(&w.judge, time.Now())
}

// probe runs until ctx ends, and returns when all that it started has ended.
func (w *watch) probe(ctx context.Context, delay time.Duration) {
	var beside sync.WaitGroup
	defer beside.Wait()
	beside.Go(func() { w.reading(ctx) })
	turn := time.NewTicker(together)
	defer turn.Stop()
	next := time.Now().Add(max(delay, together))
	for n := 1; ; {
		select {
		case <-turn.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		w.turned.Store(now.UnixNano())
		w.note((*judge).tick)
		if now.Before(next) {
			continue
		}
		if next = next.Add(w.o.interval); next.Before(now) { // it was held up: rounds that were missed stay so
			next = now.Add(w.o.interval)
		}
		number := n
		beside.Go(func() { w.publish(ctx, number) })
		n++
	}
}

// publish makes one round's event.
func (w *watch) publish(ctx context.Context, n int) {
	ctx, cancel := context.WithTimeout(ctx, w.o.timeout)
	defer cancel()
	trace := target.NewTrace(w.o.ratio)
	name := fmt.Sprintf(`{"probe":"%s-%d"}`, w.run, n)
	w.note(func(j *judge, at time.Time) { j.start(name, trace, at) })
	_, err := w.publisher.Publish(target.WithTrace(ctx, trace), w.topic, client.Message{Type: "probe", Data: name})
	if errors.Is(ctx.Err(), context.Canceled) { // the prober's own end
		return
	}
	w.note(func(j *judge, at time.Time) { j.published(name, err, at) })
	w.said.publish(err, trace)
}

// reading keeps a stream open until ctx ends, with a new attempt every
// interval: the client's own patience grows to a minute, which is more than
// a prober may be blind.
func (w *watch) reading(ctx context.Context) {
	position := ""
	for ctx.Err() == nil {
		trace := target.NewTrace(w.o.ratio)
		err := w.follow(ctx, trace, &position)
		if ctx.Err() != nil {
			return
		}
		w.said.stream(err, trace)
		select {
		case <-time.After(w.o.interval):
		case <-ctx.Done():
		}
	}
}

// errOver ends a subscription whose stream is over.
var errOver = errors.New("the stream is over")

// follow reads one stream, opened in a trace, from a position, which it moves,
// to its end, and returns why it ended.
func (w *watch) follow(ctx context.Context, trace target.Trace, position *string) (why error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	open, announced := false, false
	over := func(err error) {
		why = err
		w.note(func(j *judge, at time.Time) {
			if open {
				j.stream.ended(announced, at)
			} else {
				j.stream.refused(errors.Is(err, client.ErrNoAnswer))
			}
		})
		end(errOver)
	}
	changed := func(s client.State) {
		switch s.Phase {
		case client.Connecting:
			w.note(func(j *judge, at time.Time) { j.stream.connecting(at) })
		case client.Open:
			open = true
			w.note(func(j *judge, at time.Time) { j.stream.open(at) })
			w.said.stream(nil, trace)
			if trace.Sampled {
				w.log.Info("the stream is open", "event_type", "sse_connect", "trace_id", trace.ID, "connection_id", s.Connection)
			}
		case client.Draining:
			announced = true
		case client.Waiting:
			over(s.Err)
		}
	}
	o := client.Options{Topics: []string{w.topic}, LastEventID: *position, Spare: -1, OnState: changed,
		Header: http.Header{"Traceparent": {trace.Header}}}
	for e, err := range w.o.hub.Subscribe(ctx, o) {
		if err != nil {
			if why == nil {
				over(err)
			}
			return why
		}
		*position = e.ID
		w.note(func(j *judge, at time.Time) { j.read(e.Data, at) })
	}
	return why
}
