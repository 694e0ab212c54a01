package sse

import (
	"time"
)

func (l *loop) watch(m member, w watched) {
	c := m.c
	if len(l.watching[c]) >= watchedMost {
		return
	}
	w.event.Wire, w.sub = nil, m.sub // not to keep the block in memory
	l.watching[c] = append(l.watching[c], w)
	c.watched = true
}

// watchSlow watches a traced event that met a full socket.
func (l *loop) watchSlow(m member, w watched) {
	for _, other := range l.watching[m.c] {
		if other.trace != "" {
			return // it is followed already
		}
	}
	w.slow = true
	l.watch(m, w)
}

// settle reports what of a stream's watched deliveries has been accepted.
func (l *loop) settle(c *conn) {
	if c.rest.block != nil {
		return
	}
	all := l.watching[c]
	left := all[:0]
	for _, w := range all {
		if w.trace != "" && c.subs[w.sub].At.Less(w.event.ID) {
			left = append(left, w)
			continue
		}
		l.tell(c, w, "")
	}
	l.keepWatching(c, left)
}

func (l *loop) keepWatching(c *conn, left []watched) {
	if len(left) > 0 {
		l.watching[c] = left
		return
	}
	delete(l.watching, c)
	c.watched = false
}

// unwatch reports what was not accepted before a stream ended.
func (l *loop) unwatch(c *conn, reason Reason) {
	for _, w := range l.watching[c] {
		if w.trace != "" {
			l.tell(c, w, reason)
		}
	}
	l.keepWatching(c, nil)
}

func (l *loop) tell(c *conn, w watched, failed Reason) {
	s := l.server
	took := s.h.Log.Age(w.event, time.Now())
	if w.trace == "" {
		s.h.Meter.Sampled(Sample{Path: w.path, Release: c.meta.release, Latency: took})
		return
	}
	if w.slow && failed == "" && took < SlowDelivery {
		return
	}
	s.h.Meter.Followed(Delivery{Topic: c.subs[w.sub].Topic.Name(), ID: w.event.ID, Traceparent: w.trace,
		Conn: c.describe(s.h, c.remote(), &c.stream), Took: took, Failed: failed})
}

// sampled reports deliveries that were chosen, at once where the socket has
// accepted them.
func (l *loop) sampled(c *conn, samples []sampled) {
	switch {
	case c.closed:
	case c.rest.block == nil:
		l.server.measure(&c.meta, samples)
	default:
		for _, s := range samples {
			l.watch(member{c: c}, watched{event: s.event, path: s.path})
		}
	}
}
