package sse_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

// rejected is stream.rejected as the contract has it.
type rejected struct {
	Status    int
	Type      string
	Detail    string
	Permanent bool
}

// expectRejected reads an answer in the 200 form to its end.
func expectRejected(t testing.TB, w *http1, status int, typ, id string) (retry time.Duration, r rejected) {
	t.Helper()
	line, head, body := w.answer()
	if line != "HTTP/1.1 200 OK" || head.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Fatalf("%s %v %s", line, head, body)
	}
	d := wire.NewDecoder(strings.NewReader(body))
	m, err := d.Next()
	if err != nil || m.Type != "stream.rejected" || m.ID != id {
		t.Fatalf("%+v, %v; want the id %q", m, err, id)
	}
	if err := json.Unmarshal([]byte(m.Data), &r); err != nil {
		t.Fatal(err)
	}
	if r.Status != status || r.Type != sse.ProblemTypePrefix+typ || r.Detail == "" {
		t.Fatalf("%+v, want %d %s", r, status, typ)
	}
	if _, err := d.Next(); err == nil {
		t.Error("something follows the rejection")
	}
	retry, _ = d.Retry()
	return retry, r
}

// TestRejectedInAStream: who says on_reject=retry gets every refusal as a
// stream that ends, with the id that it presented, if that can be one.
func TestRejectedInAStream(t *testing.T) {
	f := serve(t, options{handler: &sse.Handler{MaxConnections: 1}})
	open := f.get(t, "topic=a")
	expectOpen(t, open.next())
	for _, row := range []struct {
		query, header string
		status        int
		typ, id       string
		permanent     bool
		least, most   time.Duration
	}{
		{"topic=a&last_event_id=5-1", "", 429, "connection-limit", "5-1", false, 5 * time.Second, 15 * time.Second},
		{"topic=a&last_event_id=5-1", "7-1", 429, "connection-limit", "7-1", false, 5 * time.Second, 15 * time.Second},
		{"topic=a", "", 429, "connection-limit", "", false, 5 * time.Second, 15 * time.Second},
		{"", "7-1", 400, "missing-topic", "7-1", true, 30 * time.Second, 90 * time.Second},
		{"topic=a&last_event_id=x%0Adata:+forged", "", 400, "invalid-last-event-id", "", true, 30 * time.Second, 90 * time.Second},
		{"topic=a&client_id=a+b", "", 400, "invalid-client-id", "", true, 30 * time.Second, 90 * time.Second},
		{"topic=" + url.QueryEscape("ä"), "", 400, "invalid-topic", "", true, 30 * time.Second, 90 * time.Second},
	} {
		w := f.dial(t, 0)
		headers := []string{}
		if row.header != "" {
			headers = append(headers, "Last-Event-ID: "+row.header)
		}
		w.request("GET", "/v1/events?on_reject=retry&"+row.query, headers...)
		retry, r := expectRejected(t, w, row.status, row.typ, row.id)
		if retry < row.least || retry > row.most || r.Permanent != row.permanent {
			t.Errorf("%s: retry after %v, permanent %v", row.query, retry, r.Permanent)
		}
	}
	w := f.dial(t, 0)
	w.request("GET", "/v1/events?topic=a&on_reject=fail")
	expectProblem(t, w, 429, "connection-limit")
}

// TestRelease: a caller is pinned to a release that exists, by the header and
// else the query; anything else means the server's own.
func TestRelease(t *testing.T) {
	f := serve(t, options{handler: &sse.Handler{Release: "stable", Releases: []string{"stable", "canary", "blue"}}})
	released := map[string]string{} // by connection
	for _, row := range []struct{ query, header, want string }{
		{"", "", "stable"},
		{"", "canary", "canary"},
		{"&release=blue", "", "blue"},
		{"&release=blue", "canary", "canary"},
		{"&release=blue", "nonsense", "stable"},
		{"&release=", "", "stable"},
	} {
		w := f.dial(t, 0)
		headers := []string{}
		if row.header != "" {
			headers = append(headers, "X-Release-Version: "+row.header)
		}
		w.request("GET", "/v1/events?topic=a"+row.query, headers...)
		head := w.head200()
		o := expectOpen(t, w.next())
		released[o.Connection] = row.want
		if o.Release != row.want || head.Get("X-Release-Version") != row.want {
			t.Errorf("%s %s: %s, header %s; want %s", row.query, row.header, o.Release, head.Get("X-Release-Version"), row.want)
		}
		w.conn.Close()
	}
	f.observer.wait(t, "the ends", func() bool { return len(f.observer.ends) == 6 })
	for _, c := range f.observer.connected {
		if c.Release != released[c.ID] {
			t.Errorf("connection %s is reported as of %s, want %s", c.ID, c.Release, released[c.ID])
		}
	}
}
