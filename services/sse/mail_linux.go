package sse

import (
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
)

// mail is what others tell a loop.
type mail struct {
	kind   mailKind
	c      *conn
	sub    int32
	at     eventlog.ID // what a page was asked for
	block  *eventlog.Block
	gap    *eventlog.GapError
	reason Reason
	slot   slotRef
	events uint32
	in     time.Duration
	survey *survey

	position chan<- map[string]eventlog.ID // has room for the answer
}

type mailKind uint8

const (
	msgAttach   mailKind = iota // a new connection
	msgPage                     // the reader pool has an answer
	msgPoll                     // the poller saw something on a socket
	msgEnd                      // the stream is to end in good order
	msgDrain                    // the client is to be told that the stream will end
	msgPosition                 // somebody asks how far the stream was sent
	msgSurvey                   // some of the connections are to be looked at
	msgAbort                    // all streams are to end at once
	msgStop
)

func (l *loop) post(m mail) {
	l.mu.Lock()
	l.inbox = append(l.inbox, m)
	l.mu.Unlock()
	wake(l.signal)
}

// handle does what a mail asks for.
func (l *loop) handle(m *mail) {
	switch m.kind {
	case msgAttach:
		l.attach(m.c)
	case msgPage:
		l.arrived(m)
	case msgPoll:
		if c := l.slots.get(m.slot); c != nil {
			l.polled(c, m.events)
		}
	case msgEnd:
		l.finish(m.c, m.reason)
	case msgDrain:
		l.drains(m.c, m.in)
	case msgPosition:
		m.position <- m.c.positions()
	case msgSurvey:
		l.show(m.survey)
	case msgAbort:
		l.aborted = true
		for _, c := range l.slots.all() {
			l.close(c, ReasonDrain, nil)
		}
	case msgStop:
		l.stopped = true
	}
}
