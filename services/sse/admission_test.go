package sse_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// gate admits who has the header X-Name, and counts.
type gate struct {
	asked, left atomic.Int32
	expires     time.Time
}

func (g *gate) admit(r *http.Request, topics []string) (sse.Admission, *sse.Rejection) {
	g.asked.Add(1)
	if len(topics) == 0 {
		panic("asked about a request that is not well-formed")
	}
	name := r.Header.Get("X-Name")
	if name == "" {
		return sse.Admission{Leave: func() { panic("left without having been admitted") }},
			&sse.Rejection{Status: 401, Type: "unauthorized", Detail: "say who you are"}
	}
	return sse.Admission{Subject: name, Address: "192.0.2.7", Expires: g.expires, Leave: func() { g.left.Add(1) }}, nil
}

// TestAdmit: who is asked about and what a stream is known by; what admitted
// it is left once, however it ends.
func TestAdmit(t *testing.T) {
	for name, o := range drivers {
		t.Run(name, func(t *testing.T) {
			g := &gate{}
			o.handler = &sse.Handler{Admit: g.admit, MaxConnections: 1}
			f := serve(t, o)
			ask := func(method, query, who string) *http.Response {
				t.Helper()
				r, err := http.NewRequest(method, f.server.URL+"/v1/events?"+query, nil)
				if err != nil {
					t.Fatal(err)
				}
				if who != "" {
					r.Header.Set("X-Name", who)
				}
				answer, err := f.server.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { answer.Body.Close() })
				return answer
			}
			expect := func(asked, left int32) {
				t.Helper()
				await(t, fmt.Sprintf("%d to be asked and %d to leave", asked, left), func() bool { return g.asked.Load() == asked && g.left.Load() == left })
			}
			if s := ask("GET", "topic=.", "ann").StatusCode; s != 400 {
				t.Errorf("malformed: %d", s)
			}
			expect(0, 0)
			if s := ask("GET", "topic=a", "").StatusCode; s != 401 {
				t.Errorf("nobody: %d", s)
			}
			if s := ask("HEAD", "topic=a", "").StatusCode; s != 401 {
				t.Errorf("HEAD by nobody: %d", s)
			}
			expect(2, 0)
			if s := ask("HEAD", "topic=a", "ann").StatusCode; s != 200 {
				t.Errorf("HEAD: %d", s)
			}
			expect(3, 1)
			open := ask("GET", "topic=a&client_id=tab", "ann")
			expect(4, 1)
			if s := ask("GET", "topic=a", "bob").StatusCode; s != 429 {
				t.Errorf("one too many: %d", s)
			}
			expect(5, 2)
			var states []sse.ConnState
			await(t, "the stream to be shown", func() bool {
				states, _ = f.h.Connections("", 2)
				return len(states) == 1
			})
			if c := states[0].Conn; c.Subject != "ann" || c.Remote != "192.0.2.7" || c.Client != "tab" {
				t.Errorf("%+v", c)
			}
			if !f.h.Disconnect(states[0].ID) {
				t.Error("it is not there")
			}
			_ = nextOf(t, wire.NewDecoder(open.Body))
			if e := f.observer.ended(t, 0); e.reason != sse.ReasonAdmin || e.conn.Subject != "ann" || e.conn.Remote != "192.0.2.7" {
				t.Errorf("%s %+v", e.reason, e.conn)
			}
			expect(5, 3)
		})
	}
}

// TestSubjectsHaveTheirOwnClients: the same client_id of two subjects is two
// clients, and a subject's name cannot be made to end in another's client.
func TestSubjectsHaveTheirOwnClients(t *testing.T) {
	clients := &recordedClients{known: map[string]map[string]eventlog.ID{}}
	f := serve(t, options{handler: &sse.Handler{Admit: (&gate{}).admit, Clients: clients}})
	ids := f.publishN("a", 3, 1)
	clients.known["ann\x00tab"] = map[string]eventlog.ID{"a": ids[0]}
	clients.known["tab"] = map[string]eventlog.ID{"a": ids[1]}
	for who, want := range map[string]eventlog.ID{"ann": ids[0], "bob": ids[2]} {
		w := f.get(t, "topic=a&client_id=tab", "X-Name: "+who)
		if o := expectOpen(t, w.next()); o.Topics[0].After != want.String() {
			t.Errorf("%s begins after %s, want %s", who, o.Topics[0].After, want)
		}
	}
}

// TestExpiredStreamsEndInOrder: over real sockets too, with a client that may
// use its socket again.
func TestExpiredStreamsEndInOrder(t *testing.T) {
	t.Parallel()
	g := &gate{expires: time.Now().Add(time.Second)}
	f := serve(t, options{handler: &sse.Handler{Admit: g.admit}})
	w := f.get(t, "topic=a", "X-Name: ann")
	opened := w.next()
	m := w.next()
	if m.Type != "stream.expired" || m.ID != opened.ID || !strings.HasPrefix(m.Data, `{"expired_ms":`) || time.Now().Before(g.expires) {
		t.Errorf("%+v", m)
	}
	w.end()
	if e := f.observer.ended(t, 0); e.reason != sse.ReasonTokenExpired || e.err != nil {
		t.Errorf("%s, %v", e.reason, e.err)
	}
	w.request("GET", "/v1/events?topic=a")
	if status, _ := w.head(); status != "HTTP/1.1 401 Unauthorized" {
		t.Errorf("the next request on the socket: %s", status)
	}
}

// pinged is the data of a stream.ping.
type pinged struct{ Seq uint64 }

// TestPongAcknowledges: a named client's pong says how far it is, for each of
// its topics, together with what it was sent.
func TestPongAcknowledges(t *testing.T) {
	t.Parallel()
	for name, o := range drivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clients := &recordedClients{}
			o.handler = &sse.Handler{Clients: clients, PingInterval: time.Second, MaxMissedPings: -1, HeartbeatInterval: -1}
			f := serve(t, o)
			a, b := f.publishN("a", 3, 1), f.publishN("b", 3, 1)
			c := f.follow(t, "topic=a&topic=b&client_id=tab&heartbeat=pong", "0")
			id := expectOpen(t, c.next()).Connection
			for range 6 {
				c.next()
			}
			for _, row := range []struct {
				at   string
				want map[string]eventlog.ID // nil: nothing is acknowledged
				err  error
			}{
				{"a@" + a[1].String() + ",b@" + b[0].String(), map[string]eventlog.ID{"a": a[1], "b": b[0]}, nil},
				{"b@" + b[2].String() + ",other@5-1", map[string]eventlog.ID{"b": b[2]}, nil},
				{"", nil, nil},
				{"$", nil, nil},
				{a[1].String(), nil, sse.ErrBadPong}, // of which topic?
			} {
				m := c.next()
				var ping pinged
				if err := json.Unmarshal([]byte(m.Data), &ping); err != nil || m.Type != "stream.ping" {
					t.Fatalf("%+v, %v", m, err)
				}
				clients.acked = nil
				for range 2 { // the second changes nothing
					if err := f.h.Pong(id, "", sse.Pong{Seq: ping.Seq, LastEventID: row.at}); !errors.Is(err, row.err) {
						t.Fatalf("%s: %v, want %v", row.at, err, row.err)
					}
				}
				if row.err != nil {
					break // it is not answered, and none follows
				}
				var want []acknowledged
				if row.want != nil {
					want = []acknowledged{{"tab", row.want, map[string]eventlog.ID{"a": a[2], "b": b[2]}}}
				}
				if !reflect.DeepEqual(clients.acked, want) {
					t.Errorf("%s: told of %v, want %v", row.at, clients.acked, want)
				}
			}
		})
	}
}

// TestInvalidHeartbeat: a mode that does not exist is refused.
func TestInvalidHeartbeat(t *testing.T) {
	f := serve(t, options{})
	for _, mode := range []string{"ping", "PONG", "pong,comment"} {
		w := f.dial(t, 0)
		w.request("GET", "/v1/events?topic=a&heartbeat="+mode)
		expectProblem(t, w, 400, "invalid-heartbeat")
	}
}
