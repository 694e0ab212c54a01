package app

import (
	"context"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// tidier gives memory back to the system after a burst of connects. The
// handshakes of thousands of clients leave garbage that is several times the
// size of the streams that stay; with little to do afterwards, the collector
// would keep the heap at twice its peak for minutes.
type tidier struct {
	connects atomic.Int64 // since the last tidying
	free     func()       // debug.FreeOSMemory, but in tests
}

const (
	tidyConnects = 500             // what counts as a burst
	tidyQuiet    = 5 * time.Second // how long none may have come; a collection costs CPU that a burst needs
)

func newTidier() *tidier { return &tidier{free: debug.FreeOSMemory} }

func (t *tidier) connected() { t.connects.Add(1) }

// run looks once a quiet period until ctx ends.
func (t *tidier) run(ctx context.Context) {
	tick := time.NewTicker(tidyQuiet)
	defer tick.Stop()
	seen := int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n := t.connects.Load()
		if n >= tidyConnects && n == seen {
			t.connects.Add(-n)
			n = 0
			t.free()
		}
		seen = n
	}
}
