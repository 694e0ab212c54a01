package app

import (
	"runtime"
	"time"
)

// What the profiles of waiting, /debug/pprof/mutex and /debug/pprof/block,
// take a sample of. The runtime has both off, and they would be empty when
// somebody looks for why a hub with CPU to spare is slow. A sample takes
// the time of a stack trace, half a microsecond or so; what is not sampled next
// to none. Streams over HTTP/1.1 wait for their sockets, which is not counted;
// those over HTTP/2 wait in a select, once for each time that they are woken.
const (
	// mutexProfileFraction: one in so many unlocks that somebody waited for.
	mutexProfileFraction = 100
	// blockProfileRate: one wait, on a channel, a select or a lock, in so much
	// time of waiting. Waits that are longer are all taken.
	blockProfileRate = time.Millisecond
)

// profileWaiting has the runtime take those samples from now on.
func profileWaiting() {
	runtime.SetMutexProfileFraction(mutexProfileFraction)
	runtime.SetBlockProfileRate(int(blockProfileRate.Nanoseconds()))
}
