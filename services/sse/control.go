package sse

import (
	"time"

	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/wire"
)

// retryBase is the middle of the reconnection times that streams announce.
const retryBase = 2 * time.Second

// appendRetry appends the reconnection time for a client, spread so that
// clients cut off together do not come back together.
func appendRetry(dst []byte) []byte {
	return wire.AppendRetry(dst, heartbeat.Spread(retryBase, 0.5))
}

// appendDrain appends the stream.drain of a stream that ends so much later.
func appendDrain(dst []byte, in time.Duration) []byte {
	dst = appendRetry(dst)
	return wire.AppendControl(dst, nil, wire.TypeDrain, wire.Drain{EndsInMS: in.Milliseconds()})
}
