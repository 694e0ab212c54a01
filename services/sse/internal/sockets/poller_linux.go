package sockets

import "golang.org/x/sys/unix"

// epoll is the Poller of the kernel. Interest is edge-triggered and registered
// once, so a stall costs no system call of its own.
type epoll struct {
	fd    int
	event int // an eventfd that ends Run
}

// stopSlot marks the poller's own eventfd.
const stopSlot = -1

func newEpoll() Poller {
	p := &epoll{}
	var err error
	if p.fd, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		panic("sse: epoll: " + err.Error())
	}
	if p.event, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		panic("sse: eventfd: " + err.Error())
	}
	if err = unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, p.event, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: stopSlot}); err != nil {
		panic("sse: epoll: " + err.Error())
	}
	return p
}

// Add implements Poller.
func (p *epoll) Add(fd int, name Ref) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{
		Events: unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET,
		Fd:     name.Index,
		Pad:    name.Generation,
	})
}

// Remove implements Poller. It may fail where Add did: there is nothing to be
// done about it.
func (p *epoll) Remove(fd int) { _ = unix.EpollCtl(p.fd, unix.EPOLL_CTL_DEL, fd, nil) }

// Run implements Poller.
func (p *epoll) Run(report func([]Ready)) {
	defer unix.Close(p.fd)
	defer unix.Close(p.event)
	events := make([]unix.EpollEvent, 256)
	ready := make([]Ready, 0, len(events))
	for stopped := false; !stopped; {
		n, err := unix.EpollWait(p.fd, events, -1)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			panic("sse: epoll_wait: " + err.Error())
		}
		ready = ready[:0]
		for _, e := range events[:n] {
			if e.Fd == stopSlot {
				stopped = true
				continue
			}
			ready = append(ready, Ready{
				Name:     Ref{e.Fd, e.Pad},
				HungUp:   e.Events&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0,
				Writable: e.Events&unix.EPOLLOUT != 0,
			})
		}
		report(ready)
	}
}

// Stop implements Poller.
func (p *epoll) Stop() {
	one := [8]byte{1}
	_, _ = unix.Write(p.event, one[:])
}
