package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// rejection reads an answer in the 200 form.
var rejection = regexp.MustCompile(`^retry: (\d+)\nevent: stream\.rejected\ndata: (\{.*\})\n(?:id: (.*)\n)?\n$`)

// problem is what stream.rejected and problem documents have in common.
type problem struct {
	Status    int
	Type      string
	Detail    string
	Permanent bool
	TraceID   string `json:"trace_id"`
}

// rejectedAs reads the 200 form, and when to come back, in milliseconds, and the
// id.
func rejectedAs(t *testing.T, answer *http.Response, text string) (p problem, retry int, id string) {
	t.Helper()
	parts := rejection.FindStringSubmatch(text)
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" ||
		answer.Header.Get("Cache-Control") != "no-cache, no-transform" || parts == nil {
		t.Fatalf("%s, %s: %q", answer.Status, answer.Header.Get("Content-Type"), text)
	}
	if err := json.Unmarshal([]byte(parts[2]), &p); err != nil {
		t.Fatalf("%s: %v", parts[2], err)
	}
	if p.TraceID != answer.Header.Get("X-Trace-Id") || len(p.TraceID) != 32 {
		t.Errorf("trace id %q in the event, %q in the header", p.TraceID, answer.Header.Get("X-Trace-Id"))
	}
	retry, _ = strconv.Atoi(parts[1]) // digits
	return p, retry, parts[3]
}

// wantsRejected wants the answer to a subscription to be the 200 form, since no
// hub could take it.
func wantsRejected(t *testing.T, answer *http.Response, text string, status int) (retry int, id string) {
	t.Helper()
	p, retry, id := rejectedAs(t, answer, text)
	if p.Status != status || p.Type != "urn:sluice:problem:hub-unavailable" || p.Permanent || p.Detail == "" {
		t.Errorf("rejected with %+v, want status %d", p, status)
	}
	return retry, id
}

// wantsProblem wants a problem document.
func wantsProblem(t *testing.T, answer *http.Response, text string, status int, kind string) {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatalf("%s: %.200s", answer.Status, text)
	}
	if answer.StatusCode != status || answer.Header.Get("Content-Type") != "application/problem+json" ||
		p.Status != status || p.Type != "urn:sluice:problem:"+kind || p.TraceID != answer.Header.Get("X-Trace-Id") || len(p.TraceID) != 32 {
		t.Errorf("%s, %s: %s; want %d %s", answer.Status, answer.Header.Get("Content-Type"), text, status, kind)
	}
}

// Without a hub, by name or by address, a stream is refused in the form that
// EventSource survives, and everything else as what it is.
func TestNoHub(t *testing.T) {
	for _, known := range []bool{false, true} {
		t.Run(fmt.Sprintf("name known %v", known), func(t *testing.T) {
			names := newNames(t)
			if known {
				names.is("127.0.0.1")
			}
			e := newEdge(t, names, portOf(programtest.FreeAddress(t)))
			events := e.url + "/v1/events?topic=orders"
			answer, text := ask(t, "GET", events, "")
			wantsRejected(t, answer, text, http.StatusBadGateway)
			if answer, _ := ask(t, "HEAD", events, ""); answer.StatusCode != http.StatusOK {
				t.Errorf("HEAD: %s", answer.Status)
			}
			answer, text = ask(t, "GET", events, "", "X-Heartbeat", "true")
			wantsProblem(t, answer, text, http.StatusBadGateway, "hub-unavailable")
			answer, text = ask(t, "POST", e.url+"/v1/topics/orders/events", "{}")
			wantsProblem(t, answer, text, http.StatusBadGateway, "hub-unavailable")
			if after := answer.Header.Get("Retry-After"); after != "1" && after != "2" {
				t.Errorf("Retry-After: %q", after)
			}
		})
	}
}

// Clients that are sent away come back spread over two seconds.
func TestComingBackIsSpread(t *testing.T) {
	e := newEdge(t, newNames(t), "1")
	waits := map[int]bool{}
	const clients = 200
	for range clients {
		answer, text := ask(t, "GET", e.url+"/v1/events?topic=orders", "")
		retry, _ := wantsRejected(t, answer, text, http.StatusBadGateway)
		if retry < 1000 || retry >= 3000 {
			t.Errorf("retry: %d", retry)
		}
		waits[retry/100] = true
	}
	if len(waits) < 15 { // of 20; fewer by chance once in 10^15
		t.Errorf("%d clients come back in %d of 20 tenths of a second", clients, len(waits))
	}
}

// The id that a subscriber presented comes back, unless it could break a line
// or would need decoding.
func TestRejectedID(t *testing.T) {
	e := newEdge(t, newNames(t), "1")
	for _, c := range []struct{ header, query, want string }{
		{"", "last_event_id=", ""},
		{"1763820000000-0", "", "1763820000000-0"},
		{"orders@1763820000000-0,payments.eu@17-4", "", "orders@1763820000000-0,payments.eu@17-4"},
		{"$", "", "$"},
		{"", "last_event_id=1763820000000-0", "1763820000000-0"},
		{"1-1", "last_event_id=2-2", "1-1"},
		{`1-1"`, "", ""},
		{"1-1 data", "", ""},
		{"", "last_event_id=orders%401-1", ""},
		{"", "last_event_id=0&lastEventId=5-5", "5-5"},
		{"", "lastEventID=5-5&last_event_id=0", "5-5"},
		{"", "last_event_id=0&Last-Event-ID=5-5", "5-5"},
		{"", "last_event_id=0&lastEventId=orders%401-1", ""}, // not 0: it would be taken up
		{"", "last_event_id=7-7&lastEventId=", "7-7"},
		{"", "lastEventId=1-1&x=y&lastEventID=2-2", ""},
		{"", "last_event_id=1-1&last_event_id=2-2", ""},
		{"1-1", "lastEventId=5-5&last_event_id=0", "1-1"},
	} {
		url := e.url + "/v1/events?topic=orders&" + c.query
		answer, text := ask(t, "GET", url, "", "Last-Event-ID", c.header)
		if _, id := wantsRejected(t, answer, text, http.StatusBadGateway); id != c.want {
			t.Errorf("Last-Event-ID %q, query %q: id %q, want %q", c.header, c.query, id, c.want)
		}
	}
}

// What a hub itself can't do now is told to subscribers in the 200 form too,
// with the hub's trace id. Publishers get the hub's own words, and subscribers
// too where the fault is theirs.
func TestHubCannot(t *testing.T) {
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	status := http.StatusServiceUnavailable
	e, _ := listen(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Trace-Id", trace)
		w.WriteHeader(status)
		fmt.Fprint(w, "the hub's own words")
	})
	for _, status = range []int{502, 503, 504, 400, 401, 429, 500} {
		answer, text := ask(t, "GET", e.url+"/v1/events?topic=orders", "")
		if status >= 500 {
			wantsRejected(t, answer, text, status)
		} else if answer.StatusCode != status || text != "the hub's own words" {
			t.Errorf("subscribing: %d became %s: %s", status, answer.Status, text)
		}
		if got := answer.Header.Get("X-Trace-Id"); got != trace {
			t.Errorf("%d: trace id %q", status, got)
		}
		answer, text = ask(t, "POST", e.url+"/v1/topics/orders/events", "{}")
		if answer.StatusCode != status || text != "the hub's own words" {
			t.Errorf("publishing: %d became %s: %s", status, answer.Status, text)
		}
	}
}

// A page of another origin may read that it has to come back.
func TestRejectedPage(t *testing.T) {
	e := newEdge(t, newNames(t), "1")
	answer, _ := ask(t, "GET", e.url+"/v1/events?topic=orders", "", "Origin", "https://shop.test")
	if got := answer.Header.Get("Access-Control-Allow-Origin"); got != "https://shop.test" || answer.Header.Get("Vary") != "Origin" {
		t.Errorf("allowed is %q", got)
	}
}

// Batches go through up to what a hub takes; above that it is the hub who says
// so, and far above the edge.
func TestBodies(t *testing.T) {
	e, _ := behind(t)
	url := e.url + "/v1/topics/orders/events"
	line := `{"data":"` + strings.Repeat("x", 8000) + `"}` + "\n"
	batch := strings.Repeat(line, 1000)
	answer, text := ask(t, "POST", url, batch, "Content-Type", "application/x-ndjson")
	if n := strings.Count(text, `"status":201`); answer.StatusCode != http.StatusOK || n != 1000 {
		t.Errorf("a batch of %d bytes: %s, %d stored", len(batch), answer.Status, n)
	}
	// The answer may be there before all of the body has been sent, which Go's
	// client does not always live to see.
	send := func(body, more string) (*http.Response, string) {
		return exchange(t, e, fmt.Sprintf("POST /v1/topics/orders/events HTTP/1.1\r\nHost: 127.0.0.1\r\n%sContent-Length: %d\r\n\r\n%s", more, len(body), body))
	}
	const lines = "Content-Type: application/x-ndjson\r\n"
	for range 10 {
		answer, text = send(batch+batch[:500_000], lines)
		wantsProblem(t, answer, text, http.StatusRequestEntityTooLarge, "batch-too-large")
		answer, text = send(batch, "")
		wantsProblem(t, answer, text, http.StatusRequestEntityTooLarge, "event-too-large")
	}
	answer, text = send(batch+batch, lines)
	wantsProblem(t, answer, text, http.StatusRequestEntityTooLarge, "too-large")
}
