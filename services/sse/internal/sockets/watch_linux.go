package sockets

import "github.com/sluice-stream/sluice/services/sse/internal/stream"

func (l *loop) watch(m member, w stream.Watched) {
	c := m.c
	if len(l.watching[c]) >= stream.WatchedMost {
		return
	}
	w.Event.Wire, w.Sub = nil, m.sub // not to keep the block in memory
	l.watching[c] = append(l.watching[c], w)
	c.watched = true
}

// watchSlow watches a traced event that met a full socket.
func (l *loop) watchSlow(m member, w stream.Watched) {
	for _, other := range l.watching[m.c] {
		if other.Trace != "" {
			return // it is followed already
		}
	}
	w.Slow = true
	l.watch(m, w)
}

// settle reports what of a stream's watched deliveries has been accepted.
func (l *loop) settle(c *Conn) {
	if c.rest.block != nil {
		return
	}
	all := l.watching[c]
	left := all[:0]
	for _, w := range all {
		if w.Trace != "" && c.stream.Subs[w.Sub].At.Less(w.Event.ID) {
			left = append(left, w)
			continue
		}
		l.meter.Followed(c.session, w, "")
	}
	l.keepWatching(c, left)
}

func (l *loop) keepWatching(c *Conn, left []stream.Watched) {
	if len(left) > 0 {
		l.watching[c] = left
		return
	}
	delete(l.watching, c)
	c.watched = false
}

// unwatch reports what was not accepted before a stream ended.
func (l *loop) unwatch(c *Conn, reason stream.Reason) {
	for _, w := range l.watching[c] {
		if w.Trace != "" {
			l.meter.Followed(c.session, w, reason)
		}
	}
	l.keepWatching(c, nil)
}

// sampled reports deliveries that were chosen, at once where the socket has
// accepted them.
func (l *loop) sampled(c *Conn, samples []stream.Sampled) {
	switch {
	case c.closed, len(samples) == 0:
	case c.rest.block == nil:
		l.meter.Sampled(c.session, samples)
	default:
		for _, s := range samples {
			l.watch(member{c: c}, stream.Watched{Event: s.Event, Replay: s.Replay})
		}
	}
}
