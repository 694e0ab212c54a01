package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/wire"
)

// cut is how a connection of a subscriber ends before its time.
type cut int

const (
	cutNever    cut = iota
	cutRequest      // with the request half sent
	cutBlind        // before anything of the answer is read
	cutOpening      // after stream.open, before the first event
	cutBytes        // after some bytes, most likely within an event
	cutSometime     // after some time
	cuts
)

var errCut = errors.New("cut by the subscriber")

// subscriber follows topics from their beginning through any number of
// connections, each from the last id that it has seen.
type subscriber struct {
	tortured *torture
	number   int
	topics   []string
	restless bool // cuts its connections
	slow     bool // takes its time with reading

	random   *rand.Rand
	position string // the last id seen
	at       []eventlog.ID
	got      [][]*string // of each topic, in the order of arrival
	ended    []bool      // the last event of the topic has arrived
	finished atomic.Bool
}

// run subscribes until the last event of every topic has come.
func (s *subscriber) run() {
	for !s.finished.Load() && s.tortured.ctx.Err() == nil {
		life := s.tortured.life.Load()
		how := s.choose()
		err := s.connect(how)
		s.tortured.ends[how].Add(1)
		switch {
		case s.finished.Load(), errors.Is(err, errCut), s.tortured.ctx.Err() != nil:
		case s.tortured.down(life):
			s.pause(200 * time.Millisecond) // while the hub is away
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
			s.tortured.letGo.Add(1) // it may have held memory that others needed
		default:
			s.tortured.fail("subscriber %d lost its connection (%d) at %s: %v", s.number, how, s.position, err)
		}
		s.pause(s.tortured.rest)
	}
}

func (s *subscriber) pause(most time.Duration) {
	select {
	case <-time.After(time.Duration(s.random.Int64N(int64(most) + 1))):
	case <-s.tortured.ctx.Done():
	}
}

// choose decides how the next connection ends.
func (s *subscriber) choose() cut {
	if !s.restless || s.tortured.quiet.Load() {
		return cutNever
	}
	switch n := s.random.IntN(100); {
	case n < 5:
		return cutRequest
	case n < 13:
		return cutBlind
	case n < 23:
		return cutOpening
	case n < 60:
		return cutBytes
	}
	return cutSometime
}

// connect reads one connection to its end.
func (s *subscriber) connect(how cut) error {
	raw, err := net.Dial("tcp", s.tortured.hub.public)
	if err != nil {
		return err
	}
	c := &reading{Conn: raw, left: -1, slow: s.slow, random: s.random}
	defer c.end()
	defer context.AfterFunc(s.tortured.ctx, func() { raw.Close() })()

	request := s.request()
	if how == cutRequest {
		io.WriteString(c, request[:s.random.IntN(len(request))])
		return errCut
	}
	if _, err := io.WriteString(c, request); err != nil {
		return err
	}
	switch how {
	case cutBlind:
		s.pause(5 * time.Millisecond)
		return errCut
	case cutBytes:
		c.left = s.random.IntN(1 << (8 + s.random.IntN(9)))
	case cutSometime:
		c.SetReadDeadline(time.Now().Add(time.Duration(s.random.IntN(4000)) * time.Millisecond))
	}
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return c.verdict(err)
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New(answer.Status)
	}
	return c.verdict(s.read(answer, how))
}

func (s *subscriber) request() string {
	// The order of topics in a request is the client's affair, and the
	// position may come in either of two ways.
	var query, header string
	for _, i := range s.random.Perm(len(s.topics)) {
		query += "&topic=" + s.topics[i]
	}
	switch {
	case s.position == "":
		query += "&last_event_id=0"
	case s.random.IntN(2) == 0:
		query += "&last_event_id=" + s.position
	default:
		header = "Last-Event-ID: " + s.position + "\r\n"
	}
	return "GET /v1/events?" + query[1:] + " HTTP/1.1\r\nHost: " + s.tortured.hub.public + "\r\n" + header + "\r\n"
}

// startsAt reports whether a stream starts where it was resumed; one from before
// everything, with what this life of the topic has had.
func startsAt(start, asked wire.ID) bool { return start == asked || asked.IsZero() }

// read takes events until the stream or the subscriber's interest ends.
func (s *subscriber) read(answer *http.Response, how cut) error {
	d := wire.NewDecoder(answer.Body)
	opening, err := d.Next()
	if err != nil {
		return err
	}
	if opening.Type == "stream.rejected" && strings.Contains(opening.Data, `"status":503`) {
		return errors.New("the hub drains")
	}
	if opening.Type != "stream.open" || opening.ID != answer.Header.Get("Last-Event-ID") {
		s.tortured.fail("subscriber %d: the stream began with %+v", s.number, opening)
	}
	at, err := positions(opening.ID, s.topics)
	switch {
	case err != nil:
		s.tortured.fail("subscriber %d: %v", s.number, err)
	case s.position != "" && !slices.EqualFunc(at, s.at, startsAt):
		s.tortured.fail("subscriber %d: resumed from %s, the stream starts after %s", s.number, s.position, opening.ID)
	}
	s.position, s.at = opening.ID, at
	if how == cutOpening {
		return errCut
	}
	for !s.finished.Load() {
		m, err := d.Next()
		if err != nil {
			return err
		}
		if err := s.take(m); err != nil {
			s.tortured.fail("subscriber %d: %v", s.number, err)
		}
	}
	return nil
}

// take checks one event and makes its id the position.
func (s *subscriber) take(m wire.Message) error {
	if m.Type == "stream.drain" && m.ID == s.position {
		return nil
	}
	if m.Type != "message" {
		return fmt.Errorf("got %+v", m)
	}
	at, err := positions(m.ID, s.topics)
	if err != nil {
		return err
	}
	topic := -1
	for i := range at {
		if at[i] == s.at[i] {
			continue
		}
		if at[i].Less(s.at[i]) || topic >= 0 {
			return fmt.Errorf("after %s came %s: %.60s", s.position, m.ID, m.Data)
		}
		topic = i
	}
	if topic < 0 {
		return fmt.Errorf("%s came twice: %.60s", m.ID, m.Data)
	}
	s.position, s.at = m.ID, at
	p, err := parsePayload(m.Data)
	if err != nil || p.topic != s.topics[topic] {
		return fmt.Errorf("%s is of another topic: %.60s (%v)", m.ID, m.Data, err)
	}
	shared, err := s.tortured.ledger.delivered(p.topic, at[topic], m.Data)
	s.got[topic] = append(s.got[topic], shared)
	if p.publisher == lastPublisher {
		s.ended[topic] = true
		s.finished.Store(!slices.Contains(s.ended, false))
	}
	return err
}

// positions reads an id of a connection on the given topics.
func positions(id string, topics []string) ([]eventlog.ID, error) {
	at := make([]eventlog.ID, len(topics))
	if len(topics) == 1 {
		one, err := wire.ParseID(id)
		at[0] = one
		return at, err
	}
	n := 0
	for part := range strings.SplitSeq(id, ",") {
		topic, text, _ := strings.Cut(part, "@")
		one, err := wire.ParseID(text)
		i := slices.Index(topics, topic)
		if err != nil || i < 0 {
			return at, fmt.Errorf("%q is no position in %v (%v)", id, topics, err)
		}
		at[i], n = one, n+1
	}
	if n != len(topics) {
		return at, fmt.Errorf("%q is no position in %v", id, topics)
	}
	return at, nil
}

// reading is a connection that reads as its subscriber does.
type reading struct {
	net.Conn
	left   int // bytes until it is cut; negative: no bound
	slow   bool
	cut    bool // that was the end
	random *rand.Rand
}

func (c *reading) Read(p []byte) (int, error) {
	if c.slow {
		time.Sleep(time.Duration(c.random.IntN(3)) * time.Millisecond)
		p = p[:min(len(p), 1+c.random.IntN(2048))]
	}
	if c.left >= 0 && len(p) > c.left {
		p = p[:c.left]
	}
	if c.left == 0 {
		c.cut = true
		return 0, errCut
	}
	n, err := c.Conn.Read(p)
	if c.left > 0 {
		c.left -= n
	}
	c.cut = errors.Is(err, os.ErrDeadlineExceeded)
	return n, err
}

// verdict tells a cut from an end that the hub is to blame for.
func (c *reading) verdict(err error) error {
	if c.cut {
		return errCut
	}
	return err
}

// end closes the connection, as often with a reset as in good order.
func (c *reading) end() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok && c.random.IntN(2) == 0 {
		tcp.SetLinger(0)
	}
	c.Close()
}
