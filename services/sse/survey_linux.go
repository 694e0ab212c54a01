package sse

import (
	"time"

	"golang.org/x/sys/unix"
)

// surveyShare is how many connections a loop shows at a time: a survey of
// very many must not hold up a sweep.
const surveyShare = 1024

// survey asks a loop to show some of its connections.
type survey struct {
	visit func(seen)
	from  int
	next  chan int // answered once: where to go on; 0 at the end
}

// survey shows the connections of all loops.
func (ls *loops) survey(visit func(seen)) {
	for _, l := range ls.all {
		s := survey{visit: visit, next: make(chan int, 1)}
		for {
			l.post(mail{kind: msgSurvey, survey: &s})
			select {
			case s.from = <-s.next:
			case <-l.ended:
				return
			}
			if s.from == 0 {
				break
			}
		}
	}
}

// show shows a share of the loop's connections.
func (l *loop) show(s *survey) {
	until := min(s.from+surveyShare, len(l.slots.conns))
	for _, c := range l.slots.conns[s.from:until] {
		if c == nil {
			continue
		}
		shown := seen{meta: &c.meta, stream: &c.stream, view: l.view, driver: c, sent: c.sent}
		if c.blocked {
			shown.stalled = time.Duration(l.now-c.stalled) * time.Millisecond
		}
		if f := &c.rest; f.block != nil {
			shown.rest = max(int64(f.to)-int64(f.from)-int64(f.done), 0)
		}
		s.visit(shown)
	}
	if until == len(l.slots.conns) {
		until = 0
	}
	s.next <- until
}

// socketRTT implements driver.
func (c *conn) socketRTT() time.Duration {
	info, err := unix.GetsockoptTCPInfo(c.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return 0
	}
	return time.Duration(info.Rtt) * time.Microsecond
}
