package sockets

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// loop is a delivery loop: one goroutine that writes to its share of the
// connections, never blocking on any of them.
type loop struct {
	cfg    *Config
	poller Poller
	ended  chan struct{}   // closed when run has returned
	shown  stream.Counters // figures as of the last pass, for others to read

	mu    sync.Mutex // guards what others give; held to append and to swap
	inbox []mail
	dirty []*loopFeed

	// Owned by run.
	schedule
	now       int64 // milliseconds since the clock began
	pass      uint64
	feeds     map[*eventlog.Topic]*loopFeed
	looked    []*stream.Feed // that may hold a view
	slots     slots
	ready     []*Conn // to be written to in the next sweep
	batch     []*Conn
	wheel     wheel
	opened    []mail
	grown     []*loopFeed
	nextCheck int64 // of memory pressure
	pinned    bool  // since the last check
	scratch   []byte
	vec       vector
	joined    joined
	figures   stream.Figures
	chosen    *stream.Chooser // nil: nothing is measured
	meter     Meter           // nil likewise
	aims      []*loopFeed
	watching  map[*Conn][]stream.Watched
	aborted   bool // new connections are closed at once
	stopped   bool
}

// loopFeed is one topic with the connections of one loop that follow it.
type loopFeed struct {
	stream.Feed
	aim     aim
	loop    *loop
	dirty   atomic.Bool // it is in the loop's list already
	members []member
}

type member struct {
	c   *Conn
	sub int32 // which of its topics
}

// Wake implements eventlog.Waker.
func (f *loopFeed) Wake() {
	if f.dirty.Swap(true) {
		return
	}
	f.loop.mu.Lock()
	f.loop.dirty = append(f.loop.dirty, f)
	f.loop.mu.Unlock()
	f.loop.wake()
}

func newLoop(cfg *Config, turns chan struct{}) *loop {
	l := &loop{
		cfg:      cfg,
		ended:    make(chan struct{}),
		schedule: schedule{signal: make(chan struct{}, 1), turns: turns, began: cfg.Began, flush: cfg.FlushInterval},
		feeds:    map[*eventlog.Topic]*loopFeed{},
		scratch:  make([]byte, 0, 4<<10),
		poller:   cfg.NewPoller(),
	}
	if cfg.Fanouts != nil {
		l.chosen, l.watching, l.meter = &stream.Chooser{}, map[*Conn][]stream.Watched{}, cfg.NewMeter()
	}
	return l
}

func (l *loop) run() {
	defer close(l.ended)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		l.pass++
		l.woke = l.clock()
		l.now = l.woke.Milliseconds()
		l.receive()
		if l.stopped {
			return // the signal for it is spent
		}
		l.sweep()
		l.wheel.advance(l.now, l.check)
		l.forgetViews()
		l.relieve()
		l.publish()
		if len(l.ready) > 0 {
			l.between()
			continue
		}
		l.sleep(timer, l.patience())
	}
}

// receive takes what others gave: messages, and topics that have grown.
func (l *loop) receive() {
	hold := l.holds()
	l.mu.Lock()
	l.opened, l.inbox = l.inbox, l.opened[:0]
	l.held = hold && len(l.dirty) > 0
	if !hold {
		l.grown, l.dirty = l.dirty, l.grown[:0]
	}
	l.mu.Unlock()
	for i := range l.opened {
		l.handle(&l.opened[i])
		l.opened[i] = mail{}
	}
	if hold || len(l.grown) == 0 {
		return
	}
	l.fed = true
	for i, f := range l.grown {
		f.dirty.Store(false) // before the view is taken: what comes later wakes again
		l.aimAt(f)
		for _, m := range f.members {
			l.enqueue(m.c)
		}
		l.grown[i] = nil
	}
	l.grown = l.grown[:0]
}

// enqueue makes the next sweep write to a connection.
func (l *loop) enqueue(c *Conn) {
	if !c.queued && !c.blocked {
		c.queued = true
		l.ready = append(l.ready, c)
	}
}

// sweep writes once to every connection that is ready. Events that come in
// meanwhile lengthen what the next sweep writes.
func (l *loop) sweep() {
	if len(l.ready) == 0 && len(l.aims) == 0 {
		return
	}
	l.turn()
	defer l.done()
	l.aimed()
	l.batch, l.ready = l.ready, l.batch[:0]
	brought := sweepDone{writes: len(l.batch), live: l.figures.Live}
	for i, c := range l.batch {
		c.queued = false
		l.deliver(c)
		l.batch[i] = nil
	}
	l.batch = l.batch[:0]
	l.swept()
	brought.live = l.figures.Live - brought.live
	l.rest(brought)
}

// patience is how long the loop may sleep if nobody wakes it.
func (l *loop) patience() time.Duration {
	now := l.clock()
	wait := time.Duration(l.wheel.wait(now.Milliseconds())) * time.Millisecond
	if l.pinned {
		wait = min(wait, max(time.Duration(l.nextCheck)*time.Millisecond-now, 0))
	}
	return l.schedule.patience(now, wait)
}

// publish shows the loop's figures to others.
func (l *loop) publish() {
	l.shown.Show(&l.figures)
	if l.chosen != nil {
		l.chosen.Tune(l.woke, l.figures.Events())
	}
}

// forgetViews lets go of what would keep evicted blocks in memory.
func (l *loop) forgetViews() {
	for i, f := range l.looked {
		l.figures.Saved += f.Forget()
		l.looked[i] = nil
	}
	l.looked = l.looked[:0]
	l.joined.forget()
}
