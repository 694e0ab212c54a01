package streams

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"time"
)

// goroutines drives each stream with one of its own: over TLS, and where there
// is no loop.
type goroutines struct {
	set    *Set
	sink   *sink
	ctx    context.Context
	cancel context.CancelFunc
	all    sync.WaitGroup

	mu    sync.Mutex // guards conns
	conns []*goConn
}

// goConn is a stream and its connection.
type goConn struct {
	g      *goroutines
	change chan struct{} // one slot: due has changed

	mu  sync.Mutex // guards what follows; held while bytes are taken up, never to wait
	s   *stream
	nc  net.Conn // nil: none
	cut int      // how often it was cut off
	due int64    // when a connection is asked for: nanoseconds since the Unix epoch; 0: not
}

func newGoroutines(s *Set) *goroutines {
	g := &goroutines{set: s, sink: s.newSink()}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

func (g *goroutines) begin(s *stream, at time.Time) {
	c := &goConn{g: g, s: s, due: at.UnixNano(), change: make(chan struct{}, 1)}
	s.asked = c.due
	g.mu.Lock()
	g.conns = append(g.conns, c)
	g.mu.Unlock()
	g.all.Go(c.run)
}

func (g *goroutines) visit(f func(*stream) fate) {
	g.mu.Lock()
	conns := g.conns
	g.mu.Unlock()
	for _, c := range conns {
		c.mu.Lock()
		what := f(c.s)
		if what.cut {
			if c.nc != nil {
				c.nc.Close()
			}
			c.cut++
			c.s.cut, c.due = time.Now().UnixNano(), 0
			c.leave()
		}
		if what.again > 0 && !c.s.up {
			c.s.asked, c.due = what.again, what.again
		}
		c.mu.Unlock()
		select {
		case c.change <- struct{}{}:
		default:
		}
	}
}

// leave notes that no events can come. c.mu is held.
func (c *goConn) leave() {
	if c.s.up {
		c.g.set.open.Add(-1)
	}
	c.s.up, c.nc = false, nil
}

func (g *goroutines) close() {
	g.cancel()
	g.visit(func(*stream) fate { return fate{cut: true} })
	g.all.Wait()
}

// run connects whenever it is due, until the set is closed.
func (c *goConn) run() {
	for {
		c.mu.Lock()
		due := c.due
		c.mu.Unlock()
		var wait <-chan time.Time
		if due > 0 {
			wait = time.After(time.Until(time.Unix(0, due)))
		}
		select {
		case <-c.g.ctx.Done():
			return
		case <-c.change:
			continue
		case <-wait:
			c.connect()
		}
	}
}

// connect reads a connection to its end. Why it ended is no figure: that it did,
// is.
func (c *goConn) connect() {
	c.mu.Lock()
	c.due = 0
	cut := c.cut
	hub := c.g.set.o.Hubs[c.s.hub]
	request := c.s.appendRequest(nil, &c.g.set.o)
	c.s.reply = reply{}
	c.mu.Unlock()
	if nc, err := c.dial(hub); err == nil {
		if c.own(nc, cut) {
			c.read(nc, request, cut)
		}
		nc.Close()
	}
	c.broken(cut)
}

// dial connects.
func (c *goConn) dial(hub Hub) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(c.g.ctx, patience)
	defer cancel()
	if hub.TLS == nil {
		return (&net.Dialer{}).DialContext(ctx, "tcp", hub.Address)
	}
	return (&tls.Dialer{Config: hub.TLS}).DialContext(ctx, "tcp", hub.Address)
}

// own makes a connection the stream's, unless that was cut off meanwhile.
func (c *goConn) own(nc net.Conn, cut int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut != cut {
		return false
	}
	c.nc = nc
	return true
}

// read asks, and reads until the end.
func (c *goConn) read(nc net.Conn, request []byte, cut int) {
	buf, pause := c.buffer()
	ear := ear{o: &c.g.set.o, sink: c.g.sink, s: c.s}
	_ = nc.SetDeadline(time.Now().Add(patience)) // fails where the socket does
	if _, err := nc.Write(request); err != nil {
		return
	}
	before := false
	for {
		n, err := nc.Read(buf)
		up, bad := c.take(&ear, buf[:n])
		if err != nil || bad != nil {
			return
		}
		if up && !before {
			before = true
			_ = nc.SetDeadline(time.Time{}) // likewise
		}
		if up && c.s.pace == Never {
			for !c.isCut(cut) {
				<-c.change
			}
			return
		}
		time.Sleep(pause)
	}
}

func (c *goConn) isCut(since int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cut != since
}

// buffer returns what a stream reads at once, and how long it waits then.
func (c *goConn) buffer() ([]byte, time.Duration) {
	switch c.s.pace {
	case Slow:
		return make([]byte, max(c.g.set.o.SlowBytes/int(time.Second/sip), 1)), sip
	case Never:
		return make([]byte, 512), 0
	}
	return make([]byte, 16<<10), 0
}

// take takes up bytes, and reports whether events can come.
func (c *goConn) take(ear *ear, p []byte) (up bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ear.now = time.Now().UnixNano()
	k := c.g.sink
	before := c.s.up
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Bytes += uint64(len(p))
	err = c.s.reply.take(p, ear)
	if !before && c.s.up {
		c.g.set.open.Add(1)
	}
	return c.s.up, err
}

// broken takes up the end of a connection that was not cut off.
func (c *goConn) broken(cut int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut != cut {
		return
	}
	now := time.Now().UnixNano()
	k := c.g.sink
	k.mu.Lock()
	if c.s.up {
		k.Ends++
		c.s.cut = now
	} else {
		k.Failures++
		c.s.failures++
	}
	k.mu.Unlock()
	c.leave()
	if again := comeBack(c.s, now); again > 0 {
		c.s.asked, c.due = again, again
	}
}
