package demo

import (
	"log/slog"
	"sync"
	"time"
)

// calm is for how long nothing may fail until all is said to be well again.
const calm = 3 * time.Second

// condition is whether the hub does what is asked of it. It logs a line when
// that changes.
type condition struct {
	log *slog.Logger

	mu   sync.Mutex // guards what follows
	bad  bool
	last time.Time // when something failed last
}

// note notes that something went as it should, or did not.
func (c *condition) note(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		if !c.bad {
			c.log.Warn("the hub does not do its part; trying on", append(traceOf(err), "event_type", "sse_error", "error", err.Error())...)
		}
		c.bad, c.last = true, time.Now()
	case c.bad && time.Since(c.last) > calm:
		c.bad = false
		c.log.Info("going on", "event_type", "demo")
	}
}
