package sse_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/sluice-stream/sluice/services/sse"
)

// withEcho serves subscriptions, and /echo?TEXT beside them.
func withEcho(stream http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/v1/events", stream)
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.URL.RawQuery)
	})
	return mux
}

func (w *wire) expectEcho(text string) {
	w.t.Helper()
	if status, _, body := w.answer(); status != "HTTP/1.1 200 OK" || body != text {
		w.t.Fatalf("%s %q, want %q", status, body, text)
	}
}

// TestSocketGoesBack: a stream that the server ends gives its socket to
// net/http, whatever the client sent ahead, again and again.
func TestSocketGoesBack(t *testing.T) {
	f := serve(t, options{route: withEcho})
	w := f.dial(t, 0)
	w.send(requestText("GET", "/echo?0") + requestText("GET", "/v1/events?topic=a") + requestText("GET", "/echo?1") + requestText("GET", "/echo?2"))
	w.expectEcho("0")
	for round := range 5 {
		w.done = false
		w.Decoder = sse.NewDecoder(bodyOf{w})
		w.head200()
		o := expectOpen(t, w.next())
		tr := newTrack(f.ledger, sse.Message{ID: o.Topics[0].After}, "a")
		f.publishN("a", 3, 10)
		for range 3 {
			tr.event(w.next())
		}
		next := requestText("GET", "/echo?3") + requestText("GET", "/v1/events?topic=a")
		if round%2 == 1 {
			w.send(next + requestText("GET", "/echo?1") + requestText("GET", "/echo?2")[:10])
		}
		if !f.h.Disconnect(o.Connection) {
			t.Fatal("no such connection")
		}
		w.end()
		if round%2 == 0 {
			w.expectEcho("1")
			w.expectEcho("2")
			w.send(next)
			if round%4 == 2 { // nothing more is pipelined
				w.expectEcho("3")
				w.send("")
			} else {
				w.send(requestText("GET", "/echo?1") + requestText("GET", "/echo?2"))
				w.expectEcho("3")
			}
		} else {
			w.expectEcho("3")
			w.done = false
			w.Decoder = sse.NewDecoder(bodyOf{w})
			w.head200()
			o := expectOpen(t, w.next())
			f.h.Disconnect(o.Connection)
			w.end()
			w.expectEcho("1")
			w.send(requestText("GET", "/echo?2")[10:])
			w.expectEcho("2")
			w.send(requestText("GET", "/v1/events?topic=a") + requestText("GET", "/echo?1") + requestText("GET", "/echo?2"))
		}
		if f.h.Disconnect(o.Connection) {
			t.Error("it ended twice")
		}
		if round%4 == 2 {
			w.send(requestText("GET", "/echo?1") + requestText("GET", "/echo?2"))
		}
	}
	for i, e := range f.observer.all() {
		if e.reason != sse.ReasonAdmin || e.err != nil {
			t.Errorf("stream %d: %s, %v", i, e.reason, e.err)
		}
	}
}

// TestSocketGoesBackLater: with the next request sent only when the stream
// has ended, as net/http's client does it.
func TestSocketGoesBackLater(t *testing.T) {
	f := serve(t, options{route: withEcho})
	connections := map[string]bool{}
	for range 5 {
		c := f.follow(t, "topic=a", "")
		o := expectOpen(t, c.next())
		f.h.Disconnect(o.Connection)
		if _, err := c.Next(); err != io.EOF {
			t.Fatal(err)
		}
		answer, err := f.server.Client().Get(f.server.URL + "/echo?x")
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	for _, e := range f.observer.all() {
		connections[e.conn.Remote] = true
	}
	if len(connections) != 1 {
		t.Errorf("%d sockets for one client", len(connections))
	}
}

// TestConnectionClose: a client that asked for it gets the end of the socket
// with the end of the stream.
func TestConnectionClose(t *testing.T) {
	f := serve(t, options{route: withEcho})
	w := f.dial(t, 0)
	w.request("GET", "/v1/events?topic=a", "Connection: close")
	if head := w.head200(); head.Get("Connection") != "close" {
		t.Errorf("Connection: %q", head.Get("Connection"))
	}
	o := expectOpen(t, w.next())
	f.publish("a", "last words")
	f.h.Disconnect(o.Connection)
	w.next()
	w.end()
	w.send(requestText("GET", "/echo?1")) // must not cost us what was sent
	w.closed()
	w.conn.Close()
	if e := f.observer.ended(t, 0); e.reason != sse.ReasonAdmin || e.sent.Events != 1 {
		t.Errorf("%+v", e)
	}
}

// TestForeignListener: without our listener a socket cannot go back, so the
// head must not promise it.
func TestForeignListener(t *testing.T) {
	f := serve(t, options{foreign: true})
	w := f.dial(t, 0)
	w.request("GET", "/v1/events?topic=a")
	if head := w.head200(); head.Get("Connection") != "close" {
		t.Errorf("Connection: %q", head.Get("Connection"))
	}
	o := expectOpen(t, w.next())
	f.h.Disconnect(o.Connection)
	w.end()
	w.closed()
}

func TestDisconnectOfNobody(t *testing.T) {
	f := serve(t, options{})
	f.get(t, "topic=a").next()
	for _, id := range []string{"", "n1-", "n1-00", "n2-00000000000000000000000000000000", "n1-00000000000000000000000000000000", fmt.Sprintf("n1-%032s", "z")} {
		if f.h.Disconnect(id) {
			t.Errorf("%q was found", id)
		}
	}
}
