// Package bare is the limit that event streams are held against: a server that
// keeps what is published in one buffer, and writes to each socket, from one
// loop, what it has not had. There is nothing else in it: no topics, no log, no
// resume. What a load test measures with it is itself and the machine.
package bare

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

const head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"

// mostKept is from how many bytes on that all have had, they are let go.
const mostKept = 64 << 20

// mostBody bounds a publish.
const mostBody = 1 << 20

// server is one.
type server struct {
	mu    sync.Mutex // guards what follows
	seq   int
	log   []byte // from base on
	base  int
	conns []net.Conn // all that are open
	fresh []*reader  // that the loop does not know yet

	wake    chan struct{} // one slot
	readers []*reader     // owned by the loop
}

// reader is a stream.
type reader struct {
	nc   net.Conn
	out  writer
	at   int // what of the log it has had
	gone bool
}

// Serve serves until ctx ends.
func Serve(ctx context.Context, l net.Listener) error {
	s := &server{wake: make(chan struct{}, 1)}
	var all sync.WaitGroup
	all.Go(func() { s.loop(ctx) })
	context.AfterFunc(ctx, func() {
		l.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, nc := range s.conns {
			nc.Close()
		}
	})
	defer all.Wait()
	for {
		nc, err := l.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return err
			}
			time.Sleep(time.Millisecond) // out of descriptors
			continue
		}
		s.mu.Lock()
		s.conns = append(s.conns, nc)
		s.mu.Unlock()
		all.Go(func() { s.serve(nc) })
	}
}

// serve answers the requests of a connection until one is for a stream.
func (s *server) serve(nc net.Conn) {
	br := bufio.NewReaderSize(nc, 4<<10)
	var out []byte
	for {
		r, err := http.ReadRequest(br)
		if err != nil {
			nc.Close()
			return
		}
		if r.Method == http.MethodGet {
			s.subscribe(nc)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, mostBody))
		if err != nil {
			nc.Close()
			return
		}
		id := s.publish(body)
		text := fmt.Sprintf("{\"id\":\"1-%d\"}\n", id)
		out = append(out[:0], "HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: "...)
		out = strconv.AppendInt(out, int64(len(text)), 10)
		out = append(append(out, "\r\n\r\n"...), text...)
		if _, err := nc.Write(out); err != nil {
			nc.Close()
			return
		}
	}
}

func (s *server) subscribe(nc net.Conn) {
	if _, err := io.WriteString(nc, head); err != nil {
		nc.Close()
		return
	}
	s.mu.Lock()
	s.fresh = append(s.fresh, &reader{nc: nc, out: writerOf(nc), at: s.base + len(s.log)})
	s.mu.Unlock()
	s.ring()
}

func (s *server) publish(body []byte) int {
	s.mu.Lock()
	s.seq++
	id := s.seq
	event := fmt.Appendf(nil, "data: %s\nid: 1-%d\n\n", body, id)
	s.log = fmt.Appendf(s.log, "%x\r\n%s\r\n", len(event), event)
	s.mu.Unlock()
	s.ring()
	return id
}

func (s *server) ring() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// largestWrite is what one write takes.
const largestWrite = 256 << 10

// loop writes to all sockets what they have not had.
func (s *server) loop(ctx context.Context) {
	again := make(<-chan time.Time)
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-again:
		}
		s.mu.Lock()
		log, base := s.log, s.base
		s.readers = append(s.readers, s.fresh...)
		s.fresh = nil
		s.mu.Unlock()
		least, behind := base+len(log), false
		for _, r := range s.readers {
			if r.gone {
				continue
			}
			if r.at < base+len(log) {
				n, err := r.out.write(log[r.at-base : min(len(log), r.at-base+largestWrite)])
				if r.at += n; err != nil {
					r.gone = true
					r.nc.Close()
					continue
				}
				behind = behind || r.at < base+len(log)
			}
			least = min(least, r.at)
		}
		s.trim(least)
		again = nil
		if behind {
			again = time.After(50 * time.Microsecond) // a socket is full
		}
	}
}

// trim lets go of what all have had.
func (s *server) trim(least int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := least - s.base; n > mostKept {
		s.log, s.base = append([]byte(nil), s.log[n:]...), least
	}
}
