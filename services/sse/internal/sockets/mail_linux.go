package sockets

import (
	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse/internal/stream"
)

// mail is what others tell a loop.
type mail struct {
	kind    mailKind
	c       *Conn
	sub     int32
	at      eventlog.ID // what a page was asked for
	block   *eventlog.Block
	gap     *eventlog.GapError
	reason  stream.Reason
	ready   Ready
	control []byte
	survey  *survey

	position chan<- map[string]eventlog.ID // has room for the answer
}

type mailKind uint8

const (
	msgAttach   mailKind = iota // a new connection
	msgPage                     // the reader pool has an answer
	msgReady                    // the poller saw something on a socket
	msgEnd                      // the stream is to end in good order
	msgTell                     // the client is to be told something
	msgPosition                 // somebody asks how far the stream was sent
	msgSurvey                   // some of the connections are to be looked at
	msgAbort                    // all streams are to end at once
	msgStop
)

// post gives the loop a mail, from any goroutine.
func (l *loop) post(m mail) {
	l.mu.Lock()
	l.inbox = append(l.inbox, m)
	l.mu.Unlock()
	l.wake()
}

// reported gives the loop what its poller saw.
func (l *loop) reported(all []Ready) {
	l.mu.Lock()
	for _, r := range all {
		l.inbox = append(l.inbox, mail{kind: msgReady, ready: r})
	}
	l.mu.Unlock()
	l.wake()
}

// handle does what a mail asks for.
func (l *loop) handle(m *mail) {
	switch m.kind {
	case msgAttach:
		l.attach(m.c)
	case msgPage:
		l.arrived(m)
	case msgReady:
		if c := l.slots.get(m.ready.Name); c != nil {
			l.polled(c, &m.ready)
		}
	case msgEnd:
		l.finish(m.c, m.reason)
	case msgTell:
		l.tell(m.c, m.control)
	case msgPosition:
		m.position <- m.c.stream.Positions()
	case msgSurvey:
		l.show(m.survey)
	case msgAbort:
		l.aborted = true
		for _, c := range l.slots.all() {
			l.close(c, stream.Drain, nil)
		}
	case msgStop:
		l.stopped = true
	}
}
