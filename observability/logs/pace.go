package logs

import (
	"time"

	"github.com/sluice-stream/sluice/observability/outbox"
)

const (
	lokiLines = 16384   // that wait for Loki
	lokiBytes = 8 << 20 // of them
	lokiBatch = 2048    // lines of a push

	lineOverhead = 16 // bytes that a line takes in the queue beside its text
)

// pace is how a service deals with a Loki that does not take its lines.
type pace struct {
	every   time.Duration // longest that a line waits for others
	timeout time.Duration // of a push
	tries   int           // of a batch
	wait    time.Duration // before the second, then twice as long each
}

// defaultPace tries for a quarter of a minute at least, about as long as a
// Loki takes to start. Meanwhile the queue keeps what is logged.
func defaultPace() pace {
	return pace{every: time.Second, timeout: 5 * time.Second, tries: 6, wait: 500 * time.Millisecond}
}

func (p pace) options(o Options, push *pusher) outbox.Options[string] {
	return outbox.Options[string]{
		Items: lokiLines,
		Bytes: lokiBytes,
		Size:  func(line string) int { return len(line) + lineOverhead },
		Batch: lokiBatch,
		Every: p.every,
		Send:  push.send,
		// The push has a time-out of its own: only it knows how it ended.
		Timeout: p.timeout + time.Second,
		Tries:   p.tries,
		Wait:    p.wait,
		Dropped: o.Dropped,
		Sent:    o.Sent,
	}
}
