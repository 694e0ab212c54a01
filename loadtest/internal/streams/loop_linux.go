package streams

import (
	"net"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// loop polls the sockets of streams from one goroutine.
type loop struct {
	set  *Set
	sink *sink
	ends chan struct{}

	mu   sync.Mutex // guards mail
	mail []func()

	// Owned by run.
	ep, bell int
	hubs     []unix.Sockaddr
	local    []bool // by hub: it is on this machine
	conns    []*conn
	later    []*conn // those that something happens to at a time
	spare    []*conn // memory for the next later
	slow     []*conn
	buf      []byte
	ear      ear
	closing  bool
}

// conn is a stream and its socket.
type conn struct {
	stream
	fd    int // below zero: none
	place int // in conns
	round uint32
	phase phase
	due   int64 // when something happens, or has failed: nanoseconds since the Unix epoch; 0: never
	dated bool  // it is in later
}

type phase uint8

const (
	idle phase = iota
	dialing
	asking // until the answer's head is here
	reading
)

// tick is how often the loop looks at what is due.
const tick = 10 * time.Millisecond

// loops are as many as there are processors, at most two: what is left of a
// machine is the hub's.
type loops []*loop

// newDriver returns loops, or what there is for hubs that they cannot reach.
func newDriver(s *Set) (driver, error) {
	for _, h := range s.o.Hubs {
		if h.TLS != nil {
			return newGoroutines(s), nil
		}
	}
	var all loops
	for range min(runtime.GOMAXPROCS(0), 2) {
		l, err := newLoop(s)
		if err != nil {
			all.close()
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

func (ls loops) begin(s *stream, at time.Time) { ls[s.number%len(ls)].begin(s, at) }

func (ls loops) visit(f func(*stream) fate) {
	for _, l := range ls {
		l.visit(f)
	}
}

func (ls loops) close() {
	for _, l := range ls {
		l.close()
	}
}

func newLoop(s *Set) (*loop, error) {
	l := &loop{set: s, sink: s.newSink(), ends: make(chan struct{}), buf: make([]byte, 256<<10)}
	l.ear = ear{o: &s.o, sink: l.sink}
	for _, h := range s.o.Hubs {
		a, err := net.ResolveTCPAddr("tcp", h.Address)
		if err != nil {
			return nil, err
		}
		if four := a.IP.To4(); four != nil {
			l.hubs = append(l.hubs, &unix.SockaddrInet4{Port: a.Port, Addr: [4]byte(four)})
		} else {
			l.hubs = append(l.hubs, &unix.SockaddrInet6{Port: a.Port, Addr: [16]byte(a.IP.To16())})
		}
		l.local = append(l.local, a.IP.To4() != nil && a.IP.IsLoopback())
	}
	var err error
	if l.ep, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, err
	}
	if l.bell, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		unix.Close(l.ep)
		return nil, err
	}
	if err = unix.EpollCtl(l.ep, unix.EPOLL_CTL_ADD, l.bell, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: -1}); err != nil {
		unix.Close(l.ep)
		unix.Close(l.bell)
		return nil, err
	}
	go l.run()
	return l, nil
}

// post has the loop do something.
func (l *loop) post(f func()) {
	l.mu.Lock()
	first := len(l.mail) == 0
	l.mail = append(l.mail, f)
	l.mu.Unlock()
	if first {
		_, _ = unix.Write(l.bell, []byte{1, 0, 0, 0, 0, 0, 0, 0}) // it is full where the bell rings already
	}
}

func (l *loop) begin(s *stream, at time.Time) {
	l.post(func() {
		c := &conn{stream: *s, fd: -1, place: len(l.conns)}
		l.conns = append(l.conns, c)
		if c.pace == Slow {
			l.slow = append(l.slow, c)
		}
		c.asked = at.UnixNano()
		l.dial(c)
	})
}

func (l *loop) visit(f func(*stream) fate) {
	done := make(chan struct{})
	l.post(func() {
		defer close(done)
		for _, c := range l.conns {
			what := f(&c.stream)
			if what.cut {
				l.drop(c)
				c.cut = time.Now().UnixNano()
				c.due = 0
			}
			if what.again > 0 && c.phase == idle {
				c.asked = what.again
				l.at(c, what.again)
			}
		}
	})
	select {
	case <-done:
	case <-l.ends:
	}
}

func (l *loop) close() {
	l.post(func() { l.closing = true })
	<-l.ends
}

func (l *loop) run() {
	defer close(l.ends)
	events := make([]unix.EpollEvent, 512)
	looked, drank := time.Now(), time.Now()
	for !l.closing {
		wait := -1
		if len(l.later) > 0 || len(l.slow) > 0 {
			wait = int(tick / time.Millisecond)
		}
		n, err := unix.EpollWait(l.ep, events, wait)
		if err != nil && err != unix.EINTR {
			panic("epoll_wait: " + err.Error()) // of descriptors that are the loop's own
		}
		for i := range max(n, 0) {
			e := &events[i]
			if e.Fd < 0 {
				l.open()
				continue
			}
			if c := l.conns[e.Fd]; c.fd >= 0 && c.round == uint32(e.Pad) {
				l.ready(c)
			}
		}
		if now := time.Now(); now.Sub(looked) >= tick {
			looked = now
			l.lookLater(now.UnixNano())
		}
		if now := time.Now(); len(l.slow) > 0 && now.Sub(drank) >= sip {
			drank = now
			for _, c := range l.slow {
				if c.phase == reading {
					l.read(c, max(l.set.o.SlowBytes/int(time.Second/sip), 1))
				}
			}
		}
	}
	for _, c := range l.conns {
		l.drop(c)
	}
	unix.Close(l.ep)
	unix.Close(l.bell)
}

// open does what was posted.
func (l *loop) open() {
	var p [8]byte
	_, _ = unix.Read(l.bell, p[:])
	l.mu.Lock()
	mail := l.mail
	l.mail = nil
	l.mu.Unlock()
	for _, f := range mail {
		f()
	}
}

// at notes that something happens to a stream at a time.
func (l *loop) at(c *conn, due int64) {
	c.due = due
	if !c.dated {
		c.dated = true
		l.later = append(l.later, c)
	}
}

// lookLater does what is due.
func (l *loop) lookLater(now int64) {
	late := l.later
	l.later, l.spare = l.spare[:0], nil
	for _, c := range late {
		if c.due > now {
			l.later = append(l.later, c)
			continue
		}
		c.dated = false
		switch {
		case c.due == 0:
		case c.phase == idle:
			l.dial(c)
		case c.phase != reading:
			l.broken(c)
		}
	}
	clear(late)
	l.spare = late
}

// dial begins a connection, over a socket of its own.
func (l *loop) dial(c *conn) {
	c.due = 0
	domain := unix.AF_INET
	if _, six := l.hubs[c.hub].(*unix.SockaddrInet6); six {
		domain = unix.AF_INET6
	}
	fd, err := unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		l.broken(c)
		return
	}
	c.fd, c.phase = fd, dialing
	c.round++
	c.reply = reply{}
	if err := l.prepare(c); err != nil {
		l.broken(c)
		return
	}
	if err := unix.Connect(fd, l.hubs[c.hub]); err != nil && err != unix.EINPROGRESS {
		l.broken(c)
		return
	}
	if err := l.poll(unix.EPOLL_CTL_ADD, c, unix.EPOLLOUT); err != nil {
		l.broken(c)
		return
	}
	l.at(c, time.Now().Add(patience).UnixNano())
}

// perAddress is how many streams come from one address.
const perAddress = 500

// prepare sets a socket up.
func (l *loop) prepare(c *conn) error {
	if c.pace != Eager { // so that the kernel does not read for it
		if err := unix.SetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 4096); err != nil {
			return err
		}
	}
	if !l.set.o.Spread || !l.local[c.hub] {
		return nil
	}
	n := c.number / perAddress
	if err := unix.SetsockoptInt(c.fd, unix.IPPROTO_IP, unix.IP_BIND_ADDRESS_NO_PORT, 1); err != nil {
		return err
	}
	return unix.Bind(c.fd, &unix.SockaddrInet4{Addr: [4]byte{127, byte(1 + n/62500), byte(n / 250 % 250), byte(2 + n%250)}})
}

// poll sets what is waited for of a socket.
func (l *loop) poll(op int, c *conn, events uint32) error {
	return unix.EpollCtl(l.ep, op, c.fd, &unix.EpollEvent{Events: events, Fd: int32(c.place), Pad: int32(c.round)})
}

// ready goes on with a socket that something happened to.
func (l *loop) ready(c *conn) {
	if c.phase != dialing {
		l.read(c, len(l.buf))
		return
	}
	if failed, err := unix.GetsockoptInt(c.fd, unix.SOL_SOCKET, unix.SO_ERROR); err != nil || failed != 0 {
		l.broken(c)
		return
	}
	request := c.appendRequest(nil, &l.set.o)
	if n, err := unix.Write(c.fd, request); err != nil || n < len(request) {
		l.broken(c)
		return
	}
	c.phase = asking
	if err := l.poll(unix.EPOLL_CTL_MOD, c, unix.EPOLLIN|unix.EPOLLRDHUP); err != nil {
		l.broken(c)
	}
}

// read reads once, as much as there is up to a limit.
func (l *loop) read(c *conn, most int) {
	n, err := unix.Read(c.fd, l.buf[:min(most, len(l.buf))])
	if err == unix.EAGAIN || err == unix.EINTR {
		return
	}
	if err != nil || n <= 0 {
		l.broken(c)
		return
	}
	k := l.sink
	l.ear.s, l.ear.now = &c.stream, time.Now().UnixNano()
	k.mu.Lock()
	k.Bytes += uint64(n)
	err = c.reply.take(l.buf[:n], &l.ear)
	k.mu.Unlock()
	if c.phase == asking && c.up {
		c.phase, c.due = reading, 0
		l.set.open.Add(1)
		if c.pace != Eager && err == nil {
			err = l.poll(unix.EPOLL_CTL_MOD, c, unix.EPOLLRDHUP)
		}
	}
	if err != nil || c.reply.stage == atEnd {
		l.broken(c)
	}
}

// drop closes a connection.
func (l *loop) drop(c *conn) {
	if c.fd >= 0 {
		unix.Close(c.fd)
		c.fd = -1
	}
	if c.phase == reading {
		l.set.open.Add(-1)
	}
	c.phase, c.up = idle, false
}

// broken takes up the end of a connection, and when the next is asked for.
func (l *loop) broken(c *conn) {
	now := time.Now().UnixNano()
	k := l.sink
	k.mu.Lock()
	if c.phase == reading {
		k.Ends++
		c.cut = now
	} else {
		k.Failures++
		c.failures++
	}
	k.mu.Unlock()
	l.drop(c)
	if again := comeBack(&c.stream, now); again > 0 {
		c.asked = again
		l.at(c, again)
	}
}
