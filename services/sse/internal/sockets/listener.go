package sockets

import (
	"net"
	"sync"
)

// Listener yields the sockets of another listener, and those that loops give
// back.
type Listener struct {
	net.Listener
	accepted chan accepted
	returned chan net.Conn
	closed   chan struct{}
	start    sync.Once
	stop     sync.Once
}

// Listen returns a listener around another.
func Listen(inner net.Listener) *Listener {
	return &Listener{Listener: inner, accepted: make(chan accepted), returned: make(chan net.Conn), closed: make(chan struct{})}
}

type accepted struct {
	conn net.Conn
	err  error
}

// Accept returns the next socket, new or returned.
func (l *Listener) Accept() (net.Conn, error) {
	l.start.Do(func() { go l.run() })
	select {
	case a := <-l.accepted:
		return a.conn, a.err
	case c := <-l.returned:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// run accepts until the listener is closed. Errors before that, such as a
// lack of descriptors, are for the server to wait out.
func (l *Listener) run() {
	for {
		c, err := l.Listener.Accept()
		a := accepted{err: err}
		if tcp, ok := c.(*net.TCPConn); ok {
			a.conn = &returnable{TCPConn: tcp, listener: l}
		} else if c != nil {
			a.conn = c
		}
		select {
		case l.accepted <- a:
		case <-l.closed:
			if c != nil {
				c.Close()
			}
			return
		}
	}
}

// Close closes the listener. Sockets that are waiting to be accepted are
// closed.
func (l *Listener) Close() error {
	l.stop.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// giveBack hands a socket to the next Accept, or closes it. What was read ahead
// of the stream is read first.
func (l *Listener) giveBack(tcp *net.TCPConn, ahead []byte) {
	c := &returnable{TCPConn: tcp, listener: l, ahead: ahead}
	go func() {
		select {
		case l.returned <- c:
		case <-l.closed:
			c.Close()
		}
	}()
}

// returnable is a socket that knows where it came from, and that first reads
// what a taken-over stream had read ahead of it.
type returnable struct {
	*net.TCPConn
	listener *Listener
	ahead    []byte
}

func (c *returnable) Read(p []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	return c.TCPConn.Read(p)
}
