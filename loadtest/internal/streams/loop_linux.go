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
