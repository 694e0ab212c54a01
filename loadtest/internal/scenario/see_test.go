package scenario

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
)

// fault is what a proxy does to one event on its way: it returns what goes on in
// the place of the event, and, where it is not over yet, of the next.
type fault func(event, next string) string

// proxy passes connections on to a hub, and does something to one event of one
// stream.
type proxy struct {
	net.Listener
	hub     string
	fault   fault
	victim  int32 // which stream
	event   int   // which of its events
	streams atomic.Int32
	all     sync.WaitGroup
}

func newProxy(t *testing.T, hub string, victim int32, event int, f fault) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, hub: hub, fault: f, victim: victim, event: event}
	p.all.Go(func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			p.all.Go(func() { p.pass(nc) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.all.Wait()
	})
	return p
}

func (p *proxy) pass(nc net.Conn) {
	defer nc.Close()
	hub, err := net.Dial("tcp", p.hub)
	if err != nil {
		return
	}
	defer hub.Close()
	from := bufio.NewReader(nc)
	first, err := from.Peek(4)
	if err != nil {
		return
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(hub, from) // until it hangs up
		hub.Close()
	}()
	if string(first) == "GET " && p.streams.Add(1) == p.victim {
		p.tamper(nc, hub)
	} else {
		_, _ = io.Copy(nc, hub)
	}
	nc.Close()
	<-ended
}

// tamper passes the events of a stream on, each as a chunk.
func (p *proxy) tamper(nc net.Conn, hub net.Conn) {
	answer, err := http.ReadResponse(bufio.NewReader(hub), nil)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
	body := bufio.NewReader(answer.Body)
	event := func() (text string) {
		for {
			line, err := body.ReadString('\n')
			if text += line; err != nil || line == "\n" {
				return text
			}
		}
	}
	for n := 0; ; {
		text := event()
		if text == "" {
			return
		}
		if strings.Contains(text, `{"lt":"`) {
			if n++; n == p.event {
				text = p.fault(text, event())
			}
		}
		if text == "" {
			continue
		}
		if _, err := fmt.Fprintf(nc, "%x\r\n%s\r\n", len(text), text); err != nil {
			return
		}
	}
}

// One event in a million that is dropped, repeated, put out of order or held up
// on its way is seen, each time, and as what it is. That takes a minute with all
// processors (SLUICE_LONG=1); else it is one in forty thousand, and slowly, so that
// nothing else is late.
func TestOneInAMillion(t *testing.T) {
	streams, events, rate, rounds, late := 20, 2000, "500", 1, 5*time.Second
	if os.Getenv("SLUICE_LONG") != "" {
		streams, rate, rounds, late = 500, "1000", 3, time.Second
	}
	faults := map[string]struct {
		fault fault
		seen  string // the figure that tells
	}{
		"drop":    {func(_, next string) string { return next }, "lost"},
		"repeat":  {func(event, next string) string { return event + event + next }, "doubled"},
		"reorder": {func(event, next string) string { return next + event }, "disorder"},
		"delay": {func(event, next string) string {
			time.Sleep(late + late/4)
			return event + next
		}, "late"},
		"damage": {func(event, next string) string { return strings.Replace(event, "xx", "xy", 1) + next }, "damaged"},
		"none":   {func(event, next string) string { return event + next }, ""},
	}
	for name, f := range faults {
		t.Run(name, func(t *testing.T) {
			for round := range rounds {
				hub := hubtest.Start(t, "--store", "memory", "--max-connections-per-address", "0")
				p := newProxy(t, hub.Public, int32(1+(7+round*211)%streams), 700+round*450, f.fault)
				r, said, failed := load(t, "fanout", "http://"+p.Addr().String(), "--streams", fmt.Sprint(streams), "--spread=false",
					"--rate", rate, "--events", fmt.Sprint(events), "--connections", "4", "--late", late.String(), "--budget", budgetFile(t, `{"late": {"max": 0}}`))
				due := float64(streams * events)
				got := r.Figures["delivered"] + r.Figures["lost"] + r.Figures["behind"]
				if r.Figures["published"] != float64(events) || got != due {
					t.Fatalf("%v of %v: %s", got, due, said)
				}
				if (failed == nil) != (f.seen == "") {
					t.Fatalf("failed: %v\n%s", failed, said)
				}
				if f.seen != "" && r.Figures[f.seen] < 1 {
					t.Fatalf("not seen: %s\n%s", f.seen, said)
				}
				for _, other := range []string{"lost", "doubled", "disorder", "damaged"} {
					if n := r.Figures[other]; other != f.seen && n != 0 && !(f.seen == "damaged" && other == "lost") {
						t.Errorf("%s: %v\n%s", other, n, said)
					}
				}
				hub.Kill()
				if t.Failed() {
					return
				}
			}
		})
	}
}
