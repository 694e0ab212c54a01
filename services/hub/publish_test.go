package main

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/wire"
)

var traceID = regexp.MustCompile(`^[0-9a-f]{32}$`)

type header map[string]string

// Each row is a rule of the contract: what is refused, and how.
func TestRefusals(t *testing.T) {
	h := startHub(t, "--max-event-bytes", "1KiB", "--max-topics", "1")
	publish(t, h, "", nil, "makes the only topic that may be")
	const path = "/v1/topics/orders/events"
	for _, row := range []struct {
		name, method, path string
		header             header
		body               string
		status             int
		problem            string
	}{
		{"no such address", "GET", "/v2/nothing", nil, "", 404, "not-found"},
		{"slash at the end", "POST", path + "/", nil, "x", 404, "not-found"},
		{"publish with GET", "GET", path, nil, "", 405, "method-not-allowed"},
		{"publish with PUT", "PUT", path, nil, "x", 405, "method-not-allowed"},
		{"subscribe with POST", "POST", "/v1/events?topic=orders", nil, "x", 405, "method-not-allowed"},
		{"topic with a space", "POST", "/v1/topics/a%20b/events", nil, "x", 400, "invalid-topic"},
		{"topic with a slash", "POST", "/v1/topics/a%2Fb/events", nil, "x", 400, "invalid-topic"},
		{"topic with a dot first", "POST", "/v1/topics/.a/events", nil, "x", 400, "invalid-topic"},
		{"topic not ASCII", "POST", "/v1/topics/gr%C3%BCn/events", nil, "x", 400, "invalid-topic"},
		{"topic of 129", "POST", "/v1/topics/" + strings.Repeat("a", 129) + "/events", nil, "x", 400, "invalid-topic"},
		{"topic empty", "POST", "/v1/topics//events", nil, "x", 400, "invalid-topic"},
		{"topic of the hub", "POST", "/v1/topics/hub.stats/events", nil, "x", 400, "reserved-topic"},
		{"data not UTF-8", "POST", path, nil, "a\xffb", 400, "invalid-utf8"},
		{"data cut in a character", "POST", path, nil, "a\xe2\x82", 400, "invalid-utf8"},
		{"data too large", "POST", path, nil, strings.Repeat("x", 1025), 413, "event-too-large"},
		{"data too large, length unknown", "POST", path, header{"chunked": "yes"}, strings.Repeat("x", 1025), 413, "event-too-large"},
		{"compressed", "POST", path, header{"Content-Encoding": "gzip"}, "x", 415, "unsupported-content-encoding"},
		{"query malformed", "POST", path + "?type=%zz", nil, "x", 400, "invalid-query"},
		{"type of the hub", "POST", path + "?type=stream.open", nil, "x", 400, "invalid-type"},
		{"type that EventSource has", "POST", path + "?type=error", nil, "x", 400, "invalid-type"},
		{"type with a line feed", "POST", path + "?type=a%0Ab", nil, "x", 400, "invalid-type"},
		{"type of 129", "POST", path, header{"X-Event-Type": strings.Repeat("a", 129)}, "x", 400, "invalid-type"},
		{"type in the header", "POST", path, header{"X-Event-Type": "open"}, "x", 400, "invalid-type"},
		{"one topic too many", "POST", "/v1/topics/payments/events", nil, "x", 429, "topic-limit"},
		{"stream without a topic", "GET", "/v1/events", nil, "", 400, "missing-topic"},
		{"stream of a bad topic", "GET", "/v1/events?topic=a%20b", nil, "", 400, "invalid-topic"},
		{"stream from a bad id", "GET", "/v1/events?topic=orders", header{"Last-Event-ID": "yesterday"}, "", 400, "invalid-last-event-id"},
		{"stream with a body", "GET", "/v1/events?topic=orders", nil, "x", 400, "unexpected-body"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var body io.Reader = strings.NewReader(row.body)
			if row.header["chunked"] != "" {
				body = io.MultiReader(body) // hides the length
				delete(row.header, "chunked")
			}
			if row.body == "" {
				body = nil
			}
			r, err := http.NewRequest(row.method, h.public+row.path, body)
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range row.header {
				r.Header.Set(k, v)
			}
			checkProblem(t, r, row.status, row.problem)
		})
	}
}

func checkProblem(t *testing.T, r *http.Request, status int, problem string) {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var p struct {
		Type, Title, Detail string
		Status              int
		TraceID             string `json:"trace_id"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&p); err != nil {
		t.Fatalf("%s without a problem document: %v", answer.Status, err)
	}
	if answer.StatusCode != status || p.Status != status || p.Type != "urn:sluice:problem:"+problem {
		t.Errorf("answered %d %s (%s), want %d %s", answer.StatusCode, p.Type, p.Detail, status, problem)
	}
	if p.Title == "" || p.Detail == "" {
		t.Errorf("the problem has no title or no detail: %+v", p)
	}
	if ct := answer.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("content type %q", ct)
	}
	if id := answer.Header.Get("X-Trace-Id"); !traceID.MatchString(id) || id != p.TraceID {
		t.Errorf("X-Trace-Id %q, trace_id %q", id, p.TraceID)
	}
	if status == 405 && answer.Header.Get("Allow") == "" {
		t.Error("405 without Allow")
	}
	if status == 429 && answer.Header.Get("Retry-After") == "" {
		t.Error("429 without Retry-After")
	}
}

// What is published arrives, in order, with id and type, and again for who
// resumes.
func TestPublishAndSubscribe(t *testing.T) {
	h := startHub(t)
	live := h.subscribe("topic=orders", "")
	const sampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	want := []wire.Message{
		publish(t, h, "", header{}, "plain"),
		publish(t, h, "?type=order.created", header{"X-Event-Type": "ignored"}, `{"order":17}`),
		publish(t, h, "", header{"X-Event-Type": "by.header"}, "two\nlines"),
		publish(t, h, "", header{}, ""),
		publish(t, h, "", header{"traceparent": sampled}, "größer 😀"),
		publish(t, h, "", header{"traceparent": strings.TrimSuffix(sampled, "1") + "0"}, "not sampled"),
	}
	want[1].Type, want[2].Type, want[4].Traceparent = "order.created", "by.header", sampled
	for _, m := range want {
		live.expect(m)
	}
	again := h.subscribe("topic=orders", want[1].ID)
	for _, m := range want[2:] {
		again.expect(m)
	}
	if n := metric(t, h.admin, `sse_publishes_total{outcome="accepted"}`); n != 6 {
		t.Error("the metrics do not count 6 accepted publishes")
	}
	h.awaitLog("sse_connect", "connection_id")
}

// publish returns the event as a reader should get it, of no type.
func publish(t *testing.T, h *runningHub, query string, headers header, body string) wire.Message {
	t.Helper()
	r, err := http.NewRequest("POST", h.public+"/v1/topics/orders/events"+query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var accepted struct{ ID string }
	if err := json.NewDecoder(answer.Body).Decode(&accepted); err != nil || answer.StatusCode != 201 {
		t.Fatalf("publish answered %s: %v", answer.Status, err)
	}
	return wire.Message{ID: accepted.ID, Type: "message", Data: body}
}

func TestTraceIsTakenFromTheCaller(t *testing.T) {
	h := startHub(t)
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	r, _ := http.NewRequest("GET", h.public+"/", nil)
	r.Header.Set("traceparent", "00-"+id+"-00f067aa0ba902b7-01")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if got := answer.Header.Get("X-Trace-Id"); got != id {
		t.Errorf("X-Trace-Id %q, want %q", got, id)
	}
	if !strings.Contains(string(text), "curl -N '"+h.public+"/v1/events?topic=demo'") {
		t.Errorf("the first page does not say how to subscribe: %s", text)
	}
}
