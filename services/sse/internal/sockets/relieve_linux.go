package sockets

import "github.com/sluice-stream/sluice/services/sse/internal/stream"

// relieve closes stalled connections, the longest stalled first, while they
// pin memory that the budget does not have.
func (l *loop) relieve() {
	if l.now < l.nextCheck {
		return
	}
	l.nextCheck, l.pinned = l.now+100, false
	for l.cfg.Log.Pressed() {
		var worst *Conn
		for _, c := range l.slots.all() {
			if c.blocked && c.pinsEvicted() && (worst == nil || c.stalled < worst.stalled) {
				worst = c
			}
		}
		if worst == nil {
			return
		}
		l.close(worst, stream.Memory, nil)
	}
}
