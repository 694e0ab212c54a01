package sse_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

func TestHandshakeHeadAndOpening(t *testing.T) {
	f := serve(t, options{handler: &sse.Handler{
		Release: "canary", Trace: func(r *http.Request) sse.Trace { return sse.Trace{ID: [16]byte([]byte(r.Header.Get("X-Test-Trace")))} },
	}})
	first := f.publish("orders", "1")
	second := f.publish("orders", "2")

	w := f.get(t, "topic=orders", "X-Test-Trace: abcdefghijklmnop", "Last-Event-ID: "+first.String())
	w.conn.Close()
	w = f.dial(t, 0)
	w.request("GET", "/v1/events?topic=orders", "X-Test-Trace: abcdefghijklmnop", "Last-Event-ID: "+first.String())
	_, head := w.head()
	for name, want := range map[string]string{
		"Content-Type":      "text/event-stream; charset=utf-8",
		"Cache-Control":     "no-cache, no-transform",
		"Connection":        "keep-alive",
		"X-Accel-Buffering": "no",
		"Last-Event-Id":     first.String(),
		"X-Release-Version": "canary",
		"Transfer-Encoding": "chunked",
	} {
		if got := head[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if _, err := http.ParseTime(head.Get("Date")); err != nil {
		t.Error(err)
	}
	if len(head) != 8 {
		t.Errorf("headers beyond the contract: %v", head)
	}

	if err := w.nextChunk(); err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(w.rest), "\n")
	if len(lines) < 5 || !regexp.MustCompile(`^retry: \d+\n$`).MatchString(lines[0]) ||
		lines[1] != "event: stream.open\n" || lines[3] != "id: "+first.String()+"\n" || lines[4] != "\n" {
		t.Fatalf("opening:\n%s", w.rest)
	}
	o := expectOpen(t, w.next())
	if retry, _ := w.Retry(); retry < time.Second || retry > 3*time.Second {
		t.Errorf("retry: %v", retry)
	}
	if !regexp.MustCompile(`^n1-[0-9a-f]{32}$`).MatchString(o.Connection) || o.Node != "n1" || o.Release != "canary" || o.TraceID != hex.EncodeToString([]byte("abcdefghijklmnop")) ||
		o.Heartbeat.Mode != "comment" || o.Heartbeat.IntervalMS != 15000 {
		t.Errorf("stream.open: %+v", o)
	}
	want := openedTopic{"orders", eventlog.OutcomeReplay, first.String(), first.String(), second.String()}
	if len(o.Topics) != 1 || o.Topics[0] != want {
		t.Errorf("stream.open: %+v, want %+v", o.Topics, want)
	}
	if m := w.next(); m != (wire.Message{ID: second.String(), Type: "message", Data: "orders 2"}) {
		t.Errorf("event: %+v", m)
	}
}

// TestHandshakeOutcomes: where a stream starts for each way to say it.
func TestHandshakeOutcomes(t *testing.T) {
	store := newDeep()
	f := serve(t, options{store: store})
	ids := f.publishN("orders", 10, 10)
	store.trim("orders", ids[3])
	pays := f.publishN("payments", 3, 10)
	last, future := ids[9], eventlog.ID{MS: ids[9].MS + 1000000}
	none := eventlog.ID{}

	type topic struct {
		outcome eventlog.Outcome
		after   eventlog.ID // as stream.open says it
		from    eventlog.ID // what delivery goes on from
	}
	live := topic{"live", last, last}
	for _, test := range []struct {
		name, topics, id string
		want             []topic
	}{
		{"nothing", "orders", "", []topic{live}},
		{"head", "orders", "$", []topic{live}},
		{"last", "orders", last.String(), []topic{live}},
		{"zero, all retained", "payments", "0", []topic{{"replay", store.born, store.born}}},
		{"zero, some trimmed", "orders", "0", []topic{{"gap", none, ids[3]}}},
		{"retained", "orders", ids[5].String(), []topic{{"replay", ids[5], ids[5]}}},
		{"at the edge of retention", "orders", ids[3].String(), []topic{{"replay", ids[3], ids[3]}}},
		{"trimmed", "orders", ids[1].String(), []topic{{"gap", ids[1], ids[3]}}},
		{"between two events", "payments", eventlog.ID{MS: pays[0].MS, Seq: pays[0].Seq}.String(), []topic{{"replay", pays[0], pays[0]}}},
		{"ahead", "orders", future.String(), []topic{{"ahead", last, last}}},
		{"no such topic", "ghost", "", []topic{{"live", none, none}}},
		{"no such topic from zero", "ghost", "0", []topic{{"live", none, none}}},
		{"no such topic from 0-0", "ghost", "0-0", []topic{{"live", none, none}}},
		{"no such topic from an id", "ghost", last.String(), []topic{{"ahead", none, none}}},
		{"composite for one", "orders", "orders@" + ids[5].String(), []topic{{"replay", ids[5], ids[5]}}},
		{"composite of another", "orders", "payments@" + pays[0].String(), []topic{live}},
		{"several from zero", "orders,payments", "0", []topic{{"gap", none, ids[3]}, {"replay", store.born, store.born}}},
		{"several from the head", "orders,payments", "$", []topic{live, {"live", pays[2], pays[2]}}},
		{"composite", "orders,payments", "payments@" + pays[1].String() + ",orders@" + ids[5].String(),
			[]topic{{"replay", ids[5], ids[5]}, {"replay", pays[1], pays[1]}}},
		{"ignored and missing", "orders,payments", "other@77-0,payments@" + pays[1].String(),
			[]topic{live, {"replay", pays[1], pays[1]}}},
		{"ignored twice", "orders", "other@77-0,other@78-0", []topic{live}},
		{"zero and head within", "orders,payments", "orders@$,payments@0", []topic{live, {"replay", store.born, store.born}}},
		{"gap and ahead", "orders,payments", "orders@" + ids[0].String() + ",payments@" + future.String(),
			[]topic{{"gap", ids[0], ids[3]}, {"ahead", pays[2], pays[2]}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			names := strings.Split(test.topics, ",")
			query := "topic=" + strings.ReplaceAll(test.topics, ",", "&topic=")
			for how, w := range map[string]*http1{
				"header": f.get(t, query, "Last-Event-ID: "+test.id),
				"query":  f.get(t, query+"&last_event_id="+url.QueryEscape(test.id)),
			} {
				open := w.next()
				m, o := open, expectOpen(t, open)
				at := parsePosition(t, m.ID, names)
				for i, want := range test.want {
					if got := o.Topics[i]; got.Topic != names[i] || got.Outcome != want.outcome || got.After != want.after.String() || at[i] != want.after {
						t.Fatalf("%s: topic %d: %+v, id %s, want %v", how, i, got, m.ID, want)
					}
				}
				// A gap moves its own topic only, and is told before any event.
				for i, want := range test.want {
					if want.outcome != eventlog.OutcomeGap && want.outcome != eventlog.OutcomeAhead {
						continue
					}
					m = w.next()
					g := expectGap(t, m)
					at[i] = want.from
					if got := movedPosition(t, m.ID, names, i); fmt.Sprint(got) != fmt.Sprint(at) {
						t.Fatalf("%s: stream.gap has the position %v, want %v", how, got, at)
					}
					reason := map[eventlog.Outcome]eventlog.Cause{"gap": eventlog.Expired, "ahead": eventlog.Ahead}[want.outcome]
					if g.Topic != names[i] || g.Reason != reason {
						t.Fatalf("%s: %+v", how, g)
					}
				}
				tr := newTrack(f.ledger, open, names...)
				tr.at = at
				due := 0
				for i, name := range names {
					due += len(f.after(name, at[i]))
				}
				for range due {
					tr.event(w.next())
				}
				tr.caughtUp(at)
			}
		})
	}
}

func TestHandshakeRefusals(t *testing.T) {
	f := serve(t, options{})
	f.publish("orders", "1")
	for _, test := range []struct {
		name, query, id string
		status          int
		problem         string
	}{
		{"no topic", "", "", 400, "missing-topic"},
		{"other parameters only", "topics=orders", "", 400, "missing-topic"},
		{"empty topic", "topic=", "", 400, "invalid-topic"},
		{"one bad topic of two", "topic=orders&topic=a%20b", "", 400, "invalid-topic"},
		{"dot first", "topic=.orders", "", 400, "invalid-topic"},
		{"too long", "topic=" + strings.Repeat("a", 129), "", 400, "invalid-topic"},
		{"very long", "topic=" + strings.Repeat("%F0%9F%98%80", 1000), "", 400, "invalid-topic"},
		{"not ASCII", "topic=%C3%A4", "", 400, "invalid-topic"},
		{"comma", "topic=a,b", "", 400, "invalid-topic"},
		{"17 topics", topicsQuery(17), "", 400, "too-many-topics"},
		{"bad escape", "topic=orders&x=%zz", "", 400, "invalid-query"},
		{"semicolon", "topic=orders;x=1", "", 400, "invalid-query"},
		{"bad id", "topic=orders", "what", 400, "invalid-last-event-id"},
		{"leading zero", "topic=orders", "01-0", 400, "invalid-last-event-id"},
		{"sign", "topic=orders", "-1-0", 400, "invalid-last-event-id"},
		{"one number", "topic=orders", "17", 400, "invalid-last-event-id"},
		{"too large", "topic=orders", "18446744073709551616-0", 400, "invalid-last-event-id"},
		{"id of 4 KB", "topic=orders", strings.Repeat("9", 4096), 400, "invalid-last-event-id"},
		{"bare id for two", "topic=a&topic=b", "1-0", 400, "invalid-last-event-id"},
		{"doubled in the position", "topic=a&topic=b", "a@1-0,a@2-0", 400, "invalid-last-event-id"},
		{"empty part", "topic=a&topic=b", "a@1-0,", 400, "invalid-last-event-id"},
		{"part without id", "topic=a&topic=b", "a@1-0,b", 400, "invalid-last-event-id"},
		{"part with empty id", "topic=a&topic=b", "a@", 400, "invalid-last-event-id"},
		{"part with bad topic", "topic=a&topic=b", "a@1-0,ä@1-0", 400, "invalid-last-event-id"},
		{"bad part of another topic", "topic=a", "a@1-0,other@x", 400, "invalid-last-event-id"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := f.dial(t, 0)
			var headers []string
			if test.id != "" {
				headers = []string{"Last-Event-ID: " + test.id}
			}
			w.request("GET", "/v1/events?"+test.query, headers...)
			expectProblem(t, w, test.status, test.problem)
			// The socket is as good as before.
			w.request("GET", "/v1/events?topic=orders", "Last-Event-ID: 0")
			w.head200()
			expectOpen(t, w.next())
		})
	}
	if topics := f.log.Topics(); len(topics) != 1 {
		t.Errorf("topics: %v", topics)
	}
	f.checkUnfollowed("a", "b", "t0")
}

func topicsQuery(n int) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = "topic=t" + strconv.Itoa(i)
	}
	return strings.Join(parts, "&")
}

// expectProblem takes the answer for a problem document of RFC 9457.
func expectProblem(t testing.TB, w *http1, status int, typ string) (head http.Header) {
	t.Helper()
	line, head, body := w.answer()
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%s %q: %v", line, body, err)
	}
	if line != fmt.Sprintf("HTTP/1.1 %d %s", status, http.StatusText(status)) || p.Status != status ||
		p.Type != sse.ProblemTypePrefix+typ || p.Title == "" || p.Detail == "" || head.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%s %v %s, want %d %s", line, head, body, status, typ)
	}
	if len(body) > 1<<10 {
		t.Errorf("a problem of %d bytes", len(body))
	}
	return head
}

func TestHandshakeBodyAndMethod(t *testing.T) {
	f := serve(t, options{})
	w := f.dial(t, 0)
	w.send("GET /v1/events?topic=a HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\nhi")
	expectProblem(t, w, 400, "unexpected-body")
	w.send("GET /v1/events?topic=a HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
	expectProblem(t, w, 400, "unexpected-body")
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH"} {
		w.request(method, "/v1/events?topic=a")
		if head := expectProblem(t, w, 405, "method-not-allowed"); head.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: Allow: %q", method, head.Get("Allow"))
		}
	}
	w.send("GET /v1/events?topic=a HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n")
	w.head200()
	expectOpen(t, w.next())
}

func TestHandshakeSixteenTopicsEachOnce(t *testing.T) {
	f := serve(t, options{})
	w := f.get(t, topicsQuery(16)+"&topic=t3&topic=t0")
	m := w.next()
	if o := expectOpen(t, m); len(o.Topics) != 16 {
		t.Fatalf("topics: %+v", o.Topics)
	}
	names := make([]string, 16)
	for i := range names {
		names[i] = fmt.Sprintf("t%d", i)
	}
	tr := newTrack(f.ledger, m, names...)
	for i, name := range names {
		f.publish(name, strconv.Itoa(i))
		tr.event(w.next())
	}
	w.conn.Close()
	f.observer.ended(t, 0)
	f.checkUnfollowed("t16")
}

func TestHandshakePositionPrecedence(t *testing.T) {
	f := serve(t, options{})
	ids := f.publishN("orders", 3, 1)
	for _, test := range []struct {
		name, query string
		headers     []string
		want        eventlog.ID
	}{
		{"header before query", "&last_event_id=" + ids[1].String(), []string{"Last-Event-ID: " + ids[0].String()}, ids[0]},
		{"empty header", "&last_event_id=" + ids[1].String(), []string{"Last-Event-ID:"}, ids[1]},
		{"both empty", "&last_event_id=", []string{"Last-Event-ID:"}, ids[2]},
		{"bad query behind a good header", "&last_event_id=what", []string{"Last-Event-ID: " + ids[0].String()}, ids[0]},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := f.get(t, "topic=orders"+test.query, test.headers...)
			if m := w.next(); m.ID != test.want.String() {
				t.Errorf("starts after %s, want %v", m.ID, test.want)
			}
		})
	}
}

func TestHandshakeConnectionLimit(t *testing.T) {
	f := serve(t, options{handler: &sse.Handler{MaxConnections: 2}})
	first, second := f.get(t, "topic=a"), f.get(t, "topic=a")
	expectOpen(t, first.next())
	expectOpen(t, second.next())
	w := f.dial(t, 0)
	w.request("GET", "/v1/events?topic=a")
	head := expectProblem(t, w, 429, "connection-limit")
	if after, err := strconv.Atoi(head.Get("Retry-After")); err != nil || after < 5 || after > 15 {
		t.Errorf("Retry-After: %q", head.Get("Retry-After"))
	}
	if head.Get("Connection") != "close" { // it would hold a descriptor that others need
		t.Errorf("Connection: %q", head.Get("Connection"))
	}
	if st := f.h.Stats(); st.Connections != 2 {
		t.Errorf("%d connections", st.Connections)
	}
	first.conn.Close()
	f.observer.ended(t, 0)
	await(t, "room", func() bool { return f.h.Stats().Connections == 1 })
	w = f.dial(t, 0)
	w.request("GET", "/v1/events?topic=a")
	w.head200()
	expectOpen(t, w.next())
}

func TestHandshakeHead(t *testing.T) {
	f := serve(t, options{handler: &sse.Handler{MaxConnections: 1}})
	id := f.publish("orders", "1")
	w := f.dial(t, 0)
	for range 3 { // frees its place, so the limit is never met
		w.request("HEAD", "/v1/events?topic=orders&topic=ghost")
		status, head := w.head()
		if status != "HTTP/1.1 200 OK" || head.Get("Content-Type") != "text/event-stream; charset=utf-8" ||
			head.Get("Last-Event-Id") != "orders@"+id.String()+",ghost@0-0" || head.Get("X-Accel-Buffering") != "no" ||
			head.Get("Content-Length") != "" || head.Get("Cache-Control") != "no-cache, no-transform" {
			t.Fatalf("%s %v", status, head)
		}
	}
	w.request("HEAD", "/v1/events?topic=.bad")
	if status, head := w.head(); status != "HTTP/1.1 400 Bad Request" || head.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("%s %v", status, head)
	}
	w.request("GET", "/v1/events?topic=orders")
	w.head200()
	expectOpen(t, w.next())
	f.checkUnfollowed("ghost")
	f.observer.wait(t, "the stream to be reported", func() bool { return len(f.observer.connected) == 1 })
	if st := f.h.Stats(); st.Connections != 1 {
		t.Errorf("%+v", st)
	}
}

// TestHandshakeOfUnknownTopic: following what does not exist creates nothing,
// and loses nothing of what comes.
func TestHandshakeOfUnknownTopic(t *testing.T) {
	for name, store := range map[string]eventlog.Store{"memory": eventlog.Memory(eventlog.MemoryOptions{}), "deep": newDeep()} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, options{store: store})
			w, fromZero, both := f.get(t, "topic=later"), f.get(t, "topic=later&last_event_id=0"), f.get(t, "topic=later&topic=never")
			m, mb := w.next(), both.next()
			tr, tz, tb := newTrack(f.ledger, m, "later"), newTrack(f.ledger, fromZero.next(), "later"), newTrack(f.ledger, mb, "later", "never")
			if topics := f.log.Topics(); len(topics) != 0 {
				t.Fatalf("topics: %v", topics)
			}
			f.publishN("later", 3, 10)
			for range 3 {
				tr.event(w.next())
				tz.event(fromZero.next())
				tb.event(both.next())
			}
			// A client cut off before the first event comes back with that id.
			again := f.get(t, "topic=later", "Last-Event-ID: "+m.ID)
			ta := newTrack(f.ledger, again.next(), "later")
			for range 3 {
				ta.event(again.next())
			}
			bothAgain := f.get(t, "topic=later&topic=never", "Last-Event-ID: "+mb.ID)
			ta = newTrack(f.ledger, bothAgain.next(), "later", "never")
			for range 3 {
				ta.event(bothAgain.next())
			}
			if topics := f.log.Topics(); len(topics) != 1 {
				t.Fatalf("topics: %v", topics)
			}
		})
	}
}
