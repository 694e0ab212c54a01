package sockets

import (
	"sync"
	"sync/atomic"

	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// Loops are the delivery loops of a server. The zero value has none.
type Loops struct {
	all  []*loop
	next atomic.Uint32

	running, polling sync.WaitGroup
}

// Start starts them. Stop is to follow.
func (ls *Loops) Start(cfg Config) {
	if cfg.NewPoller == nil {
		cfg.NewPoller = newEpoll
	}
	turns := newTurns()
	for range loopCount() {
		l := newLoop(&cfg, turns)
		ls.all = append(ls.all, l)
		ls.running.Go(l.run)
		ls.polling.Go(func() { l.poller.Run(l.reported) })
	}
}

// Abort closes all streams at once, and those that are still to come.
func (ls *Loops) Abort() {
	for _, l := range ls.all {
		l.post(mail{kind: msgAbort})
	}
}

// Stop ends the loops. Their streams must have ended.
func (ls *Loops) Stop() {
	for _, l := range ls.all {
		l.post(mail{kind: msgStop})
	}
	ls.running.Wait()
	for _, l := range ls.all {
		l.poller.Stop()
	}
	ls.polling.Wait()
}

// Figures returns what the loops have counted, as of their last passes.
func (ls *Loops) Figures() (all stream.Figures) {
	for _, l := range ls.all {
		all = all.Plus(l.shown.Load())
	}
	return all
}

// pick returns the loop for a new stream.
func (ls *Loops) pick() *loop { return ls.all[ls.next.Add(1)%uint32(len(ls.all))] }
