package sse

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// slotRef names a connection of a loop. The generation tells a connection
// from an earlier one in the same place: the poller may still report those.
type slotRef struct {
	index      int32
	generation int32
}

// slots are the connections of a loop, by number.
type slots struct {
	conns       []*conn
	generations []int32
	free        []int32
}

func (s *slots) add(c *conn) slotRef {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		s.conns[i] = c
		return slotRef{i, s.generations[i]}
	}
	s.conns = append(s.conns, c)
	s.generations = append(s.generations, 0)
	return slotRef{int32(len(s.conns) - 1), 0}
}

func (s *slots) get(r slotRef) *conn {
	if s.generations[r.index] != r.generation {
		return nil
	}
	return s.conns[r.index]
}

func (s *slots) remove(r slotRef) {
	s.conns[r.index] = nil
	s.generations[r.index]++
	s.free = append(s.free, r.index)
}

// all returns the open connections.
func (s *slots) all() []*conn {
	var all []*conn
	for _, c := range s.conns {
		if c != nil {
			all = append(all, c)
		}
	}
	return all
}

// poller waits for sockets of one loop that hang up or have room again, and
// tells the loop. Interest is edge-triggered and registered once, so a stall
// costs no system call of its own.
type poller struct {
	loop    *loop
	epoll   int
	event   int // an eventfd that ends run
	stopped atomic.Bool
}

// stopSlot marks the poller's own eventfd.
const stopSlot = -1

func newPoller(l *loop) *poller {
	p := &poller{loop: l}
	var err error
	if p.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		panic("sse: epoll: " + err.Error())
	}
	if p.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		panic("sse: eventfd: " + err.Error())
	}
	if err = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, p.event, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: stopSlot}); err != nil {
		panic("sse: epoll: " + err.Error())
	}
	return p
}

func (p *poller) add(fd int, s slotRef) error {
	return unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{
		Events: unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET,
		Fd:     s.index,
		Pad:    s.generation,
	})
}

// remove may fail where add did: there is nothing to be done about it.
func (p *poller) remove(fd int) { _ = unix.EpollCtl(p.epoll, unix.EPOLL_CTL_DEL, fd, nil) }

func (p *poller) run() {
	events := make([]unix.EpollEvent, 256)
	for !p.stopped.Load() {
		n, err := unix.EpollWait(p.epoll, events, -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			panic("sse: epoll_wait: " + err.Error())
		}
		p.report(events[:n])
	}
}

func (p *poller) report(events []unix.EpollEvent) {
	l := p.loop
	l.mu.Lock()
	for _, e := range events {
		if e.Fd != stopSlot {
			l.inbox = append(l.inbox, mail{kind: msgPoll, slot: slotRef{e.Fd, e.Pad}, events: e.Events})
		}
	}
	l.mu.Unlock()
	wake(l.signal)
}

func (p *poller) stop() {
	p.stopped.Store(true)
	one := [8]byte{1}
	_, _ = unix.Write(p.event, one[:])
}

func (p *poller) close() {
	unix.Close(p.event)
	unix.Close(p.epoll)
}
