package sse_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
)

// TestTorture: hundreds of clients on one topic or several, cut off at random
// moments by themselves or by the server, resume from whatever they saw last,
// while publishers run and memory is so short that most is read from the
// store. Each gets every event once, in order.
func TestTorture(t *testing.T) {
	clients, events := 300, 1500
	if testing.Short() {
		clients, events = 60, 600
	}
	f := serve(t, options{store: newDeep(), budget: 256 << 10, noisy: true, handler: &sse.Handler{
		HeartbeatInterval: 500 * time.Millisecond, WriteTimeout: 2 * time.Second, MaxWriteBytes: 32 << 10,
	}})
	topics := []string{"t0", "t1", "t2", "t3", "t4", "t5"}
	for _, topic := range topics {
		f.publishN(topic, 20, 500)
	}
	var publishing, reading sync.WaitGroup
	for p := range 3 {
		publishing.Go(func() {
			for i := range events / 3 {
				f.publish(topics[rand.IntN(len(topics))], fmt.Sprintf("%d/%d %s", p, i, strings.Repeat("x", rand.IntN(1500))))
				time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
			}
		})
	}
	published := make(chan struct{})
	go func() { publishing.Wait(); close(published) }()
	for i := range clients {
		reading.Go(func() {
			mine := topics[i%6 : i%6+1]
			if i%3 == 0 {
				mine = topics[i%4 : i%4+3]
			}
			c := &cutClient{f: f, t: t, topics: mine, last: []string{"0", "$", ""}[i%3]}
			c.run(published)
		})
	}
	reading.Wait()
	st := f.h.Stats()
	reasons := map[sse.Reason]int{}
	for _, e := range f.observer.all() {
		reasons[e.reason]++
	}
	t.Logf("%+v, ends: %v", st, reasons)
	if st.Fetches == 0 || reasons[sse.ReasonClient] == 0 {
		t.Error("it proves less than it should")
	}
	if reasons[sse.ReasonError] > 0 {
		t.Error("streams ended with errors")
	}
}

// cutClient follows topics through any number of cuts.
type cutClient struct {
	f      *fixture
	t      *testing.T
	topics []string
	last   string // what it would present
	track  *track // from the first stream.open on
	from   []eventlog.ID
}

func (c *cutClient) run(published <-chan struct{}) {
	for late := time.Now().Add(4 * patience); ; {
		select {
		case <-published:
			if c.track != nil && c.atHead() {
				c.track.caughtUp(c.from)
				return
			}
		default:
		}
		if time.Now().After(late) {
			c.t.Errorf("not caught up at %s", c.last)
			return
		}
		if !c.session(rand.IntN(300)) {
			return
		}
	}
}

// session reads a number of events, or until the server ends the stream.
func (c *cutClient) session(events int) bool {
	w := c.f.dial(c.t, 0)
	defer func() {
		if rand.IntN(2) == 0 {
			w.reset()
		} else {
			w.conn.Close()
		}
	}()
	w.request("GET", "/v1/events?topic="+strings.Join(c.topics, "&topic="), "Last-Event-ID: "+c.last)
	if events == 0 {
		return true // gone before the head
	}
	w.head200()
	_ = w.conn.SetReadDeadline(time.Now().Add(time.Second)) // at the head nothing may come
	for i := range events {
		m, err := w.Next()
		if err != nil {
			if errors.Is(err, errFraming) {
				c.t.Error(err)
				return false
			}
			return true
		}
		switch {
		case i > 0:
			c.track.event(m)
		case m.Type != "stream.open":
			c.t.Errorf("the stream opens with %.200v", m)
			return false
		case c.track == nil:
			c.track = newTrack(c.f.ledger, m, c.topics...)
			c.track.exact, c.from = false, c.track.at
		case !slices.Equal(parsePosition(c.t, m.ID, c.topics), c.track.at):
			c.t.Errorf("resuming from %s starts after %s", c.last, m.ID)
			return false
		}
		c.last = m.ID
	}
	return true
}

func (c *cutClient) atHead() bool {
	for i, topic := range c.topics {
		if len(c.f.after(topic, c.track.at[i])) > 0 {
			return false
		}
	}
	return true
}
