package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluice-stream/sluice/services/wire"
)

// ending is how a stream ended.
type ending struct {
	why    error
	retry  time.Duration // what the server asked for last
	asked  bool          // it did
	lastID lastID
}

// lastID is the last id of a stream after a message.
type lastID struct {
	id   string
	seen bool // the stream has set it, if to nothing
}

// connection reads a stream ahead of the loop, so that pings are answered and
// silence is noticed however long the loop takes for an event.
type connection struct {
	ctx   context.Context
	s     *subscription // what of it may be used here: Options, http, acked
	dog   *watchdog
	body  io.Reader
	queue *queue
	pings chan wire.Ping // 1: the latest
}

// read reads until the stream ends. It reads no further than the queue has
// room, which in the end the server notices.
func (c *connection) read() {
	d := wire.NewDecoder(c.body)
	d.MaxEventBytes = c.s.MaxEventBytes
	d.OnActivity = c.dog.fed
	hub := false
	for first := true; ; first = false {
		m, err := d.Next()
		if err != nil {
			c.dog.stop()
			retry, asked := d.Retry()
			c.queue.put(item{end: &ending{c.reason(err), min(retry, maxServerWait), asked, lastOf(d)}})
			return
		}
		i := item{Message: m, last: lastOf(d)}
		if first && m.Type == wire.TypeOpen {
			hub = c.opened(&i)
		}
		if hub && m.Type == wire.TypePing {
			c.pinged(m.Data)
			continue
		}
		c.put(i)
	}
}

func lastOf(d *wire.Decoder) lastID {
	id, seen := d.LastID()
	return lastID{id, seen}
}

// opened reads stream.open, and reports whether it is a hub's.
func (c *connection) opened(i *item) bool {
	var o wire.Open
	if json.Unmarshal([]byte(i.Data), &o) != nil {
		return false
	}
	if beat := time.Duration(o.Heartbeat.IntervalMS) * time.Millisecond; beat > 0 && beat <= maxServerWait {
		c.dog.allow(silence(beat), ErrSilent)
	} else {
		c.dog.allow(c.s.MaxSilence, ErrSilent)
	}
	i.open = &o
	return true
}

// put waits for room. Meanwhile nobody reads, and silence means nothing.
func (c *connection) put(i item) {
	for !c.queue.put(i) {
		c.dog.hold(true)
		ok := c.queue.await(c.ctx)
		c.dog.hold(false)
		if !ok {
			return // the next read says so too
		}
	}
}

// reason says why reading ended.
func (c *connection) reason(err error) error {
	if cause := context.Cause(c.ctx); cause != nil {
		return cause
	}
	if errors.Is(err, io.EOF) {
		return errEnded
	}
	return fmt.Errorf("client: the stream broke: %w", withoutURL(err))
}
