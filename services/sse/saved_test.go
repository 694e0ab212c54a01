package sse_test

import (
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/sse"
)

// Reads of the store that are not needed are counted as what saved them, and
// what is replayed by where it was read.
func TestReadsThatAreSaved(t *testing.T) {
	for name, o := range paths {
		t.Run(name, func(t *testing.T) {
			store := newDeep()
			o.store, o.budget = store, 256<<10
			f := serve(t, o)
			f.publishN("a", 600, 1000) // a few times the budget
			read := func() {
				s := f.follow(t, "topic=a", "0")
				defer s.hangUp()
				for range 601 {
					s.next()
				}
			}
			read()
			await(t, "the replay to be counted", func() bool {
				st := f.h.Stats()
				return st.ReplayedMemory+st.ReplayedStore == 600
			})
			if st := f.h.Stats(); st.ReplayedStore < 300 || st.Fetches == 0 {
				t.Errorf("%d replayed from the store, with %d pages", st.ReplayedStore, st.Fetches)
			}
			f.observer.wait(t, "the replay's end", func() bool { return len(f.observer.replays) == 1 })
			if r := f.observer.replays[0]; r.Tier != sse.TierStore || r.Events != 600 {
				t.Errorf("%+v", r)
			}

			// Many who want the same page, while the store takes its time.
			gate := make(chan struct{})
			store.mu.Lock()
			store.gate = gate
			store.mu.Unlock()
			var waiting []*client
			for range 8 {
				s := f.follow(t, "topic=a", "0")
				s.next()
				waiting = append(waiting, s)
			}
			time.Sleep(100 * time.Millisecond) // the readers of the pool are taken
			close(gate)
			var readers sync.WaitGroup
			for _, s := range waiting {
				readers.Go(func() { // at the same time: who is slow gives up its memory
					for range 600 {
						if _, err := s.Next(); err != nil {
							return
						}
					}
				})
			}
			readers.Wait()
			st := f.h.Stats()
			if st.SharedFetches == 0 || st.CachedPages == 0 {
				t.Errorf("%d fetches are shared, %d pages were there already", st.SharedFetches, st.CachedPages)
			}
			before := st.UnknownTopics
			f.follow(t, "topic=nowhere", "0").next()
			f.follow(t, "topic=nowhere", "").next() // from the head on: nothing to be read
			if n := f.h.Stats().UnknownTopics - before; n != 1 {
				t.Errorf("%d resumes in topics that do not exist", n)
			}
		})
	}
}
