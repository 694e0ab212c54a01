package sockets

import "time"

// surveyShare is how many connections a loop shows at a time: a survey of
// very many must not hold up a sweep.
const surveyShare = 1024

// survey asks a loop to show some of its connections.
type survey struct {
	visit func(Seen)
	from  int
	next  chan int // answered once: where to go on; 0 at the end
}

// Survey shows the connections of all loops, one after the other, from the
// goroutine that owns them at that moment.
func (ls *Loops) Survey(visit func(Seen)) {
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
		shown := Seen{Session: c.session, Stream: &c.stream, View: l.view, Sent: c.sent}
		if c.blocked {
			shown.Stalled = time.Duration(l.now-c.stalled) * time.Millisecond
		}
		if f := &c.rest; f.block != nil {
			shown.Rest = max(int64(f.to)-int64(f.from)-int64(f.done), 0)
		}
		s.visit(shown)
	}
	if until == len(l.slots.conns) {
		until = 0
	}
	s.next <- until
}
