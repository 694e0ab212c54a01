package sockets

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A topic that grew while the loop rested must be served even where the rest
// was over before the loop came to sleep: nobody wakes it a second time.
func TestPatienceWithHeldTopics(t *testing.T) {
	s := &schedule{nextGrown: 500 * time.Millisecond, held: true}
	if wait := s.patience(time.Second, time.Hour); wait != 0 {
		t.Errorf("a loop whose rest is over sleeps %v", wait)
	}
	s.nextGrown = time.Minute
	if wait := s.patience(time.Second, time.Hour); wait != 59*time.Second {
		t.Errorf("a resting loop sleeps %v", wait)
	}
	if wait := s.patience(time.Second, time.Second); wait != time.Second {
		t.Errorf("a resting loop with something else to do sleeps %v", wait)
	}
}

// A loop rests under load, as long as its sweeps are and within bounds, and
// not where that would only delay what comes seldom.
func TestRestFollowsTheLoad(t *testing.T) {
	const ms = time.Millisecond
	for name, row := range map[string]struct {
		cycle, took time.Duration // from one sweep's begin to the next's, and of a sweep
		live        uint64        // events for each of a thousand streams
		flush       time.Duration
		want        time.Duration // from the begin of the last sweep until topics may go on
	}{
		"ten events a second, long sweeps":          {100 * ms, 50 * ms, 1, 0, 0},
		"the same on a slow day":                    {100 * ms, 95 * ms, 1, 0, 0},
		"more than there is time for":               {100 * ms, 100 * ms, 3, 0, 140 * ms},
		"saturated":                                 {30 * ms, 10 * ms, 100, 0, 30 * ms},
		"saturated, one event in each sweep":        {2 * ms, 2 * ms, 1, 0, 6 * ms},
		"short sweeps":                              {ms, ms / 2, 100, 0, 0},
		"saturated, with a flush interval":          {30 * ms, 10 * ms, 100, 50 * ms, 50 * ms},
		"seldom, with a flush interval":             {time.Second, 10 * ms, 1, 50 * ms, 50 * ms},
		"streams that catch up with a seldom event": {100 * ms, 20 * ms, 0, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &schedule{began: time.Now(), turns: newTurns(), flush: row.flush}
			for range 3 {
				s.turn()
				s.fed = true
				time.Sleep(row.took)
				s.rest(sweepDone{writes: 1000, live: 1000 * row.live})
				s.done()
				time.Sleep(row.cycle - row.took)
			}
			if got := s.nextGrown - s.sweptAt; got != row.want {
				t.Errorf("%s: topics wait until %v after the last sweep began, want %v", name, got, row.want)
			}
		})
	}
}

// A sweep for streams that catch up makes no growing topic wait.
func TestCatchingUpDoesNotRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &schedule{began: time.Now(), turns: newTurns(), flush: time.Second}
		s.turn()
		time.Sleep(time.Second)
		s.rest(sweepDone{writes: 10, live: 1000})
		if s.nextGrown != 0 {
			t.Errorf("they wait until %v", s.nextGrown)
		}
	})
}

// Half of the loops sweep at a time, and each comes to its turn.
func TestLoopsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns, began := newTurns(), time.Now()
		var sweeping, most, sweeps atomic.Int64
		var loops sync.WaitGroup
		for range 4 * cap(turns) {
			loops.Go(func() {
				s := &schedule{began: began, turns: turns}
				for range 10 {
					s.turn()
					most.Store(max(most.Load(), sweeping.Add(1)))
					time.Sleep(time.Millisecond)
					sweeping.Add(-1)
					sweeps.Add(1)
					s.done()
				}
			})
		}
		loops.Wait()
		if int(most.Load()) > cap(turns) || sweeps.Load() != int64(40*cap(turns)) || time.Since(began) != 40*time.Millisecond {
			t.Errorf("%d of %d swept at once, %d sweeps in %v", most.Load(), cap(turns), sweeps.Load(), time.Since(began))
		}
	})
}
