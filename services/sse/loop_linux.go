package sse

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// loops are the delivery loops, one for two cores. A loop is nearly all
// write(2), which does the kernel's work for the reader's end too where that is
// on the same machine; with a loop on each core, publishers, readers and the
// network's own work would have no core to go to, and each delivery was
// measured to cost a fifth more.
type loops struct {
	all  []*loop
	next atomic.Uint32
	done sync.WaitGroup
}

func (ls *loops) start(s *server) {
	for range (runtime.GOMAXPROCS(0) + 1) / 2 {
		l := newLoop(s)
		ls.all = append(ls.all, l)
		ls.done.Go(l.run)
		ls.done.Go(l.poller.run)
	}
}

// abort closes all streams at once.
func (ls *loops) abort() {
	for _, l := range ls.all {
		l.post(mail{kind: msgAbort})
	}
}

// stop ends the loops. Their streams must have ended.
func (ls *loops) stop() {
	for _, l := range ls.all {
		l.post(mail{kind: msgStop})
		l.poller.stop()
	}
	ls.done.Wait()
	for _, l := range ls.all {
		l.poller.close()
	}
}

func (ls *loops) addTo(st *Stats) {
	for _, l := range ls.all {
		l.shown.addTo(st)
	}
}

// pick returns the loop for a new stream.
func (ls *loops) pick() *loop { return ls.all[ls.next.Add(1)%uint32(len(ls.all))] }

// loop is a delivery loop: one goroutine that writes to its share of the
// connections, never blocking on any of them.
type loop struct {
	server *server
	poller *poller
	signal chan struct{} // one slot: something is in the inbox or dirty
	ended  chan struct{} // closed when run has returned
	shown  counters      // figures as of the last pass, for others to read

	mu    sync.Mutex // guards what others give; held to append and to swap
	inbox []mail
	dirty []*loopFeed

	// Owned by run.
	began     time.Time
	now       int64         // milliseconds since began
	woke      time.Duration // when the pass began, since began
	pass      uint64
	feeds     map[*eventlog.Topic]*loopFeed
	looked    []*feed // that may hold a view
	slots     slots
	ready     []*conn // to be written to in the next sweep
	batch     []*conn
	wheel     wheel
	opened    []mail
	grown     []*loopFeed
	nextGrown time.Duration // before which topics that grow wait
	fed       bool          // the sweep is about topics that have grown
	nextCheck int64         // of memory pressure
	pinned    bool          // since the last check
	scratch   []byte
	vec       vector
	joined    joined
	counts    totals
	bytes     uint64
	replayed  uint64 // of these, bytes of events that are
	saved     uint64
	stalls    uint64
	chosen    *chooser // nil: nothing is measured
	aims      []*loopFeed
	fannedOut []Fanout
	watching  map[*conn][]watched
	aborted   bool // new connections are closed at once
	stopped   bool
	held      bool // topics that have grown wait for nextGrown
}

// loopFeed is one topic with the connections of one loop that follow it.
type loopFeed struct {
	feed
	loop    *loop
	dirty   atomic.Bool // it is in the loop's list already
	members []member
}

type member struct {
	c   *conn
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
	wake(f.loop.signal)
}

func newLoop(s *server) *loop {
	l := &loop{
		server:  s,
		signal:  make(chan struct{}, 1),
		ended:   make(chan struct{}),
		began:   s.began,
		feeds:   map[*eventlog.Topic]*loopFeed{},
		scratch: make([]byte, 0, 4<<10),
	}
	if s.h.Meter != nil {
		l.chosen, l.watching = &chooser{}, map[*conn][]watched{}
	}
	l.poller = newPoller(l)
	return l
}

func (l *loop) run() {
	defer close(l.ended)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		l.pass++
		l.woke = time.Since(l.began)
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
			// Publishers and handshakes get a turn on the processor between
			// sweeps; without it a saturated loop could starve them.
			runtime.Gosched()
			continue
		}
		timer.Reset(l.patience())
		select {
		case <-l.signal:
		case <-timer.C:
		}
	}
}

// receive takes what others gave: messages, and topics that have grown.
func (l *loop) receive() {
	hold := l.woke < l.nextGrown
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
func (l *loop) enqueue(c *conn) {
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
	l.aimed()
	l.batch, l.ready = l.ready, l.batch[:0]
	for i, c := range l.batch {
		c.queued = false
		l.deliver(c)
		l.batch[i] = nil
	}
	l.batch = l.batch[:0]
	l.swept()
	l.rest()
}

// rest makes topics that grow wait for a while after a sweep: for the flush
// interval, and after a long sweep for as long as it took. A loop that went
// on at once would leave publishers and readers little of the processor, and
// would find less to write each time. Resting makes sweeps fewer and larger:
// it raises the throughput of a saturated server by half and lowers its
// latencies, and delays nothing where sweeps are short or seldom. Sweeps that
// only serve streams which catch up don't count: one after the other, they
// would make growing topics wait until the last stream has caught up.
func (l *loop) rest() {
	if !l.fed {
		return
	}
	l.fed = false
	pause := l.server.h.FlushInterval
	if took := time.Since(l.began) - l.woke; took >= time.Millisecond {
		pause = max(pause, min(took, longestRest)+took)
	}
	l.nextGrown = l.woke + pause
}

const longestRest = 20 * time.Millisecond

// relieve closes stalled connections, the longest stalled first, while they
// pin memory that the budget does not have.
func (l *loop) relieve() {
	if l.now < l.nextCheck {
		return
	}
	l.nextCheck, l.pinned = l.now+100, false
	for l.server.h.Log.Pressed() {
		var worst *conn
		for _, c := range l.slots.all() {
			if c.blocked && c.pinsEvicted() && (worst == nil || c.stalled < worst.stalled) {
				worst = c
			}
		}
		if worst == nil {
			return
		}
		l.close(worst, ReasonMemory, nil)
	}
}

// publish shows the loop's figures to others.
func (l *loop) publish() {
	l.shown.live.Store(l.counts.live)
	l.shown.memory.Store(l.counts.memory)
	l.shown.store.Store(l.counts.store)
	l.shown.replayed.Store(l.replayed)
	l.shown.bytes.Store(l.bytes - l.replayed)
	l.shown.stalls.Store(l.stalls)
	l.shown.saved.Store(l.saved)
	if l.chosen != nil {
		l.chosen.tune(l.woke, l.counts.events())
	}
}

// forgetViews lets go of what would keep evicted blocks in memory.
func (l *loop) forgetViews() {
	for i, f := range l.looked {
		l.saved += f.saved
		f.saved = 0
		f.forget()
		l.looked[i] = nil
	}
	l.looked = l.looked[:0]
	l.joined.forget()
}

// patience is how long the loop may sleep if nobody wakes it.
func (l *loop) patience() time.Duration {
	now := time.Since(l.began)
	wait := time.Duration(l.wheel.wait(now.Milliseconds())) * time.Millisecond
	if l.held { // also where their time has come since the pass began
		wait = min(wait, max(l.nextGrown-now, 0))
	}
	if l.pinned {
		wait = min(wait, max(time.Duration(l.nextCheck)*time.Millisecond-now, 0))
	}
	return wait
}
