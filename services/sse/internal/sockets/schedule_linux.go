package sockets

import (
	"runtime"
	"time"
)

// This file has all that settles when loops run: how many there are, who wakes
// them, when topics that grow must wait, for how long a loop sleeps.

// loopCount is how many loops there are: one a core, so that under load one
// rests while another sweeps.
func loopCount() int { return runtime.GOMAXPROCS(0) }

// newTurns lets one loop for two cores sweep at a time. A sweep is nearly all
// write(2), which does the kernel's work for the reader's end too where that is
// on the same machine. If all swept at once, who reads and publishes would wait
// for the end of it: half of the deliveries were measured to come later by a
// third, and none to come sooner.
func newTurns() chan struct{} { return make(chan struct{}, (runtime.GOMAXPROCS(0)+1)/2) }

// longestRest bounds the rest after a sweep.
const longestRest = 40 * time.Millisecond

// schedule is when a loop goes on. It is the loop's own, but for the signal.
// Times are durations since the loop's clock began.
type schedule struct {
	signal    chan struct{} // one slot: something is in the inbox or dirty
	began     time.Time
	woke      time.Duration // when the pass began
	turns     chan struct{} // has a place for each loop that may sweep
	flush     time.Duration // the shortest time between sweeps over growing topics
	sweptAt   time.Duration // when the sweep began
	fedAt     time.Duration // when the last one began that was about topics that have grown
	nextGrown time.Duration // before which topics that grow wait
	held      bool          // some do
	fed       bool          // the sweep is about topics that have grown
}

// wake makes the loop go on, from any goroutine. It carries nothing: once is
// enough, however often.
func (s *schedule) wake() {
	select {
	case s.signal <- struct{}{}:
	default:
	}
}

func (s *schedule) clock() time.Duration { return time.Since(s.began) }

// holds reports whether topics that grow are to wait in this pass.
func (s *schedule) holds() bool { return s.woke < s.nextGrown }

// turn waits until the loop may sweep. What comes in meanwhile is swept too.
func (s *schedule) turn() {
	s.turns <- struct{}{}
	s.sweptAt = s.clock()
}

// done gives the turn to another loop.
func (s *schedule) done() { <-s.turns }

// rest makes topics that grow wait for a while after a sweep: for the flush
// interval, and under load for twice as long as the sweep took, so that a loop
// has a third of its core at most as long as sweeps are short. A loop that
// went on at once would leave publishers and readers little of the processor,
// and would find less to write each time: resting makes sweeps fewer and
// larger, which is where throughput comes from.
//
// It is worth its time only where more comes in meanwhile than one event for
// each stream, by the rate at which events came in until now. Else events would
// wait for nothing, and a loop that keeps up with seldom events and long
// sweeps, as one does with many thousands of streams, would fall behind for
// resting. Sweeps that only serve streams which catch up don't count: one after
// the other, they would make growing topics wait until the last stream has
// caught up.
func (s *schedule) rest(done sweepDone) {
	if !s.fed {
		return
	}
	s.fed = false
	pause, took := s.flush, s.clock()-s.sweptAt
	cycle := s.sweptAt - s.fedAt
	s.fedAt = s.sweptAt
	if took >= time.Millisecond {
		if rest := min(2*took, longestRest); done.more(rest, cycle) {
			pause = max(pause, took+rest)
		}
	}
	s.nextGrown = s.sweptAt + pause
}

// sweepDone is what a sweep came to.
type sweepDone struct {
	writes int    // connections that were written to
	live   uint64 // events that they were sent as they came in
}

// more reports whether a rest would find more than one event for each
// connection, if events come in as they did in the cycle before.
func (d sweepDone) more(rest, cycle time.Duration) bool {
	return float64(d.live)*float64(rest) > float64(d.writes)*float64(cycle)
}

// between is called between two sweeps that follow each other at once:
// publishers and handshakes get a turn on the processor. Without it a saturated
// loop could starve them.
func (s *schedule) between() { runtime.Gosched() }

// sleep waits until somebody wakes the loop, or for so long.
func (s *schedule) sleep(timer *time.Timer, most time.Duration) {
	timer.Reset(most)
	select {
	case <-s.signal:
	case <-timer.C:
	}
}

// patience is how long the loop may sleep if nobody wakes it, where nothing
// else comes up for some time: topics that wait end it.
func (s *schedule) patience(now, nothing time.Duration) time.Duration {
	if s.held { // also where their time has come since the pass began
		return min(nothing, max(s.nextGrown-now, 0))
	}
	return nothing
}
