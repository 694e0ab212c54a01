package main

import (
	"strings"
	"sync"
	"testing"
)

// A hub's profiles of locks and of waiting show who holds a lock and who waits
// for it. They are samples: what is tried so often is in them but for less than
// one run in 10^20.
func TestProfilesShowWhoWaits(t *testing.T) {
	const tries = 5000
	h := startHub(t)
	var lock sync.Mutex
	var held, waited bool
	for range tries {
		lock.Lock()
		ready, done := make(chan struct{}), make(chan struct{})
		go waitInLine(&lock, ready, done)
		<-ready
		_, waits := get(t, h.admin+"/debug/pprof/block?debug=1")
		_, locks := get(t, h.admin+"/debug/pprof/mutex?debug=1")
		giveWay(&lock)
		<-done
		waited = waited || strings.Contains(waits, ".waitInLine+")
		held = held || strings.Contains(locks, ".giveWay+")
		if waited && held {
			return
		}
	}
	t.Errorf("after %d waits for a lock: is who held it in the profile of locks: %v; who waited in that of waits: %v", tries, held, waited)
}

// waitInLine waits for a lock that is held when it says that it is ready.
func waitInLine(lock *sync.Mutex, ready, done chan<- struct{}) {
	close(ready)
	lock.Lock()
	defer close(done)
	defer lock.Unlock()
}

// giveWay ends somebody's wait for a lock.
func giveWay(lock *sync.Mutex) { lock.Unlock() }
