package sockets

import (
	"runtime"
	"time"
)

// This file has all that settles when loops run: how many there are, who wakes
// them, when topics that grow must wait, for how long a loop sleeps.

// loopCount is how many loops there are: one for two cores. A loop is nearly all
// write(2), which does the kernel's work for the reader's end too where that is
// on the same machine; with a loop on each core, publishers, readers and the
// network's own work would have no core to go to, and each delivery was
// measured to cost a fifth more.
func loopCount() int { return (runtime.GOMAXPROCS(0) + 1) / 2 }

// longestRest bounds what a long sweep adds to the rest after it.
const longestRest = 20 * time.Millisecond

// schedule is when a loop goes on. It is the loop's own, but for the signal.
// Times are durations since the loop's clock began.
type schedule struct {
	signal    chan struct{} // one slot: something is in the inbox or dirty
	began     time.Time
	woke      time.Duration // when the pass began
	flush     time.Duration // the shortest time between sweeps over growing topics
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

// rest makes topics that grow wait for a while after a sweep: for the flush
// interval, and after a long sweep for as long as it took. A loop that went
// on at once would leave publishers and readers little of the processor, and
// would find less to write each time. Resting makes sweeps fewer and larger:
// it raises the throughput of a saturated server by half and lowers its
// latencies, and delays nothing where sweeps are short or seldom. Sweeps that
// only serve streams which catch up don't count: one after the other, they
// would make growing topics wait until the last stream has caught up.
func (s *schedule) rest() {
	if !s.fed {
		return
	}
	s.fed = false
	pause := s.flush
	if took := s.clock() - s.woke; took >= time.Millisecond {
		pause = max(pause, min(took, longestRest)+took)
	}
	s.nextGrown = s.woke + pause
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
