package sockets

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/heartbeat"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// Conn is a stream with a socket of its own, which a loop writes to.
type Conn struct {
	// Static.
	Socket
	loop    *loop
	session Session
	pings   *heartbeat.Pings
	expires *time.Time // nil: never

	// Owned by the loop.
	stream    stream.Stream
	slot      Ref
	timer     wheelEntry
	rest      frame         // of which a part was accepted
	control   []byte        // framed control events that go before the next piece
	ending    stream.Reason // the stream ends once rest and control are out
	sent      stream.Sent
	lastWrite int64 // by the loop's clock
	stalled   int64 // since when the socket has accepted nothing
	endBy     int64 // when a stream that is ending is closed in any case
	attached  bool
	queued    bool
	blocked   bool // until the poller reports room
	again     bool // it has had a page from the store
	watched   bool // the loop's watching has something of it
	closed    bool
	lingering bool // both ends are done but for the client's FIN

	gone atomic.Bool // set when the loop parts with it, for the reader pool to see
}

// Stream returns what the connection reads. It is the loop's from when the
// connection is served until the session is told that it has left; only the
// names of its topics are anybody's.
func (c *Conn) Stream() *stream.Stream { return &c.stream }

// End ends the stream in good order, from any goroutine.
func (c *Conn) End(reason stream.Reason) { c.loop.post(mail{kind: msgEnd, c: c, reason: reason}) }

// Tell sends a control event, from any goroutine, unless the stream ends.
func (c *Conn) Tell(event []byte) { c.loop.post(mail{kind: msgTell, c: c, control: event}) }

// At returns how far the stream was sent, from any goroutine but the loop's.
func (c *Conn) At() map[string]eventlog.ID {
	answer := make(chan map[string]eventlog.ID, 1)
	c.loop.post(mail{kind: msgPosition, c: c, position: answer})
	select {
	case at := <-answer:
		return at
	case <-c.loop.ended:
		return nil
	}
}

// Remote returns the address of the peer.
func (c *Conn) Remote() string { return c.nc.RemoteAddr().String() }

// SocketRTT returns the round trip that the kernel has measured, smoothed; 0:
// unknown. The socket must be open: it is asked within a survey.
func (c *Conn) SocketRTT() time.Duration {
	info, err := unix.GetsockoptTCPInfo(c.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0
	}
	return time.Duration(info.Rtt) * time.Microsecond
}

// left returns how long the stream may last, where that is limited.
func (c *Conn) left() (left time.Duration, ends bool) {
	if c.expires == nil {
		return 0, false
	}
	return time.Until(*c.expires), true
}

// pinsEvicted reports whether a connection holds memory that nobody else needs.
func (c *Conn) pinsEvicted() bool {
	return c.rest.block != nil && c.rest.block.Evicted() || c.stream.PinsEvicted()
}
