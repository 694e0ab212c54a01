package client

import (
	"sync"
	"time"
)

const (
	// defaultHeartbeat is the interval of a hub that has not said yet.
	defaultHeartbeat = 15 * time.Second
	// silenceGrace is what a heartbeat may be late, next to its interval.
	silenceGrace = 5 * time.Second
)

// silence returns how long a stream with such a heartbeat may be silent: one
// that was lost is no reason to give up, two are.
func silence(heartbeat time.Duration) time.Duration {
	if heartbeat <= 0 {
		return 0
	}
	return heartbeat*5/2 + silenceGrace
}

// watchdog calls bark when it has not been fed for its time.
type watchdog struct {
	bark func(why error)

	mu    sync.Mutex
	after time.Duration // 0: it sleeps
	why   error
	timer *time.Timer
	held  bool
}

// allow sets the time from now on, and what it means when it is over.
func (w *watchdog) allow(after time.Duration, why error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.after, w.why = after, why
	w.start()
}

// stop ends its work.
func (w *watchdog) stop() { w.allow(0, nil) }

func (w *watchdog) over() {
	w.mu.Lock()
	why := w.why
	w.mu.Unlock()
	if why != nil {
		w.bark(why)
	}
}

func (w *watchdog) start() {
	switch {
	case w.after <= 0 || w.held:
		if w.timer != nil {
			w.timer.Stop()
		}
	case w.timer == nil:
		w.timer = time.AfterFunc(w.after, w.over)
	default:
		w.timer.Reset(w.after)
	}
}

// fed notes that something has come.
func (w *watchdog) fed() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.start()
}

// hold stops the clock while nobody reads, and lets it go on.
func (w *watchdog) hold(held bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = held
	w.start()
}
