package sse_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
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

func (w *http1) expectEcho(text string) {
	w.t.Helper()
	if status, _, body := w.answer(); status != "HTTP/1.1 200 OK" || body != text {
		w.t.Fatalf("%s %q, want %q", status, body, text)
	}
}

// TestSocketGoesBack: a stream that the server ends gives its socket to
// net/http, whatever the client had sent by then, again and again.
func TestSocketGoesBack(t *testing.T) {
	subscribe := requestText("GET", "/v1/events?topic=a")
	first, second := requestText("GET", "/echo?1"), requestText("GET", "/echo?2")
	for name, sent := range map[string][3]string{ // with the request, while the stream is open, and when it has ended
		"all with the request":  {first + second, "", ""},
		"some with the request": {first, second, ""},
		"cut in a request":      {first + second[:7], second[7:], ""},
		"cut again":             {first[:3], first[3:9], first[9:] + second},
		"while it is open":      {"", first + second, ""},
		"when it has ended":     {"", "", first + second},
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, options{route: withEcho})
			w := f.dial(t, 0)
			for range 4 {
				w.send(subscribe + sent[0])
				w.done, w.Decoder = false, wire.NewDecoder(bodyOf{w})
				w.head200()
				m := w.next()
				tr := newTrack(f.ledger, m, "a")
				f.publishN("a", 3, 10)
				for range 3 {
					tr.event(w.next())
				}
				w.send(sent[1])
				o := expectOpen(t, m)
				if !f.h.Disconnect(o.Connection) {
					t.Fatal("no such connection")
				}
				w.end()
				w.send(sent[2])
				w.expectEcho("1")
				w.expectEcho("2")
				if f.h.Disconnect(o.Connection) {
					t.Error("it ended twice")
				}
			}
			f.observer.ended(t, 3)
			for _, e := range f.observer.all() {
				if e.reason != sse.ReasonAdmin || e.err != nil || e.sent.Events != 3 {
					t.Errorf("%+v", e)
				}
			}
		})
	}
}

// TestSocketGoesBackToClient: net/http's client uses one socket throughout.
func TestSocketGoesBackToClient(t *testing.T) {
	f := serve(t, options{route: withEcho})
	for i := range 5 {
		c := f.follow(t, "topic=a", "")
		f.h.Disconnect(expectOpen(t, c.next()).Connection)
		if _, err := c.Next(); err != io.EOF {
			t.Fatal(err)
		}
		f.observer.ended(t, i)
		answer, err := f.server.Client().Get(f.server.URL + "/echo?x")
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	sockets := map[string]bool{}
	for _, e := range f.observer.all() {
		sockets[e.conn.Remote] = true
	}
	if len(sockets) != 1 {
		t.Errorf("%d sockets for one client", len(sockets))
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
	w.next()
	f.h.Disconnect(o.Connection)
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
