package sse_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// TestNothingFollowsTheEnd: an answer of the store that comes while the end of
// a stream waits for its reader is not written behind it.
func TestNothingFollowsTheEnd(t *testing.T) {
	store := newDeep()
	f := serve(t, options{store: store, budget: 1 << 20, route: withEcho, listener: smallBuffers, handler: &sse.Handler{WriteTimeout: patience}})
	store.damage("deep", f.publishN("deep", 10, 100)[0])
	for i := range 3 { // its tail gives way
		f.publishN(fmt.Sprintf("other%d", i), 600, 1<<10)
	}
	f.publish("busy", "0")
	release := store.hold("deep")
	id := "Last-Event-ID: deep@" + store.born.String() + ",busy@$"
	w := f.get(t, "topic=deep&topic=busy", id)
	o := expectOpen(t, w.next())
	f.publish("busy", strings.Repeat("x", 600<<10))
	await(t, "a stall", func() bool { return f.h.Stats().Stalls > 0 })
	f.h.Disconnect(o.Connection)

	witness := f.get(t, "topic=deep", "Last-Event-ID: "+store.born.String())
	witness.next()
	release()
	if g := expectGap(t, witness.next()); g.Reason != eventlog.Damaged {
		t.Errorf("%+v", g)
	}
	if m := w.next(); len(m.Data) < 600<<10 {
		t.Fatalf("%.200v", m)
	}
	w.end()
	w.request("GET", "/echo?1")
	w.expectEcho("1")
}

// TestPlaceIsFreeBeforeTheSocket: a client that subscribes anew on the socket
// of a stream that the server ended finds its own place free.
func TestPlaceIsFreeBeforeTheSocket(t *testing.T) {
	f := serve(t, options{handler: &sse.Handler{MaxConnections: 1}})
	w := f.dial(t, 0)
	for range 50 {
		w.request("GET", "/v1/events?topic=a")
		w.done, w.Decoder = false, wire.NewDecoder(bodyOf{w})
		w.head200()
		// By the name that the client has just read.
		if !f.h.Disconnect(expectOpen(t, w.next()).Connection) {
			t.Fatal("a client knows its name before the server does")
		}
		w.end()
	}
}
