package sse

import (
	"net"
	"sync"
)

// Listener returns a listener that also yields the sockets of HTTP/1.1
// streams that the handler itself ended, so that an http.Server which serves
// it can answer the next request on them. Without it such sockets are closed.
// It starts the delivery loops, which need descriptors of their own.
func (h *Handler) Listener(inner net.Listener) net.Listener {
	h.serve()
	return &listener{Listener: inner, accepted: make(chan accepted), returned: make(chan net.Conn), closed: make(chan struct{})}
}

type listener struct {
	net.Listener
	accepted chan accepted
	returned chan net.Conn
	closed   chan struct{}
	start    sync.Once
	stop     sync.Once
}

type accepted struct {
	conn net.Conn
	err  error
}

// Accept returns the next socket, new or returned.
func (l *listener) Accept() (net.Conn, error) {
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
func (l *listener) run() {
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
func (l *listener) Close() error {
	l.stop.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// giveBack hands a socket to the next Accept, or closes it.
func (l *listener) giveBack(c net.Conn) {
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
	listener *listener
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
