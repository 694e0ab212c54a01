package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	cloudhttp "github.com/cloudevents/sdk-go/v2/protocol/http"

	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

const (
	cloudOne   = "application/cloudevents+json"
	cloudBatch = "application/cloudevents-batch+json"
	// minimal is a CloudEvent that has only what it must.
	minimal = `{"specversion":"1.0","id":"1","source":"/a","type":"t"}`
)

// The SDK's own client publishes in each mode, and a subscriber reads what it
// published. The same event in another mode is the same event.
func TestCloudEventsClient(t *testing.T) {
	h := startHub(t)
	live := h.subscribe("topic=orders", "")
	url := h.public + "/v1/topics/orders/events"
	client, err := cloudevents.NewClientHTTP(cloudhttp.WithTarget(url))
	if err != nil {
		t.Fatal(err)
	}
	var events []cloudevents.Event
	for i, row := range []struct {
		contentType string
		data        any
		want        string
	}{
		{cloudevents.ApplicationJSON, map[string]any{"order": 17, "text": "größer <&> 😀"}, `{"order":17,"text":"größer \u003c\u0026\u003e 😀"}`},
		{cloudevents.TextPlain, "two\nlines \"quoted\" ü", "two\nlines \"quoted\" ü"},
		{cloudevents.ApplicationXML, []byte("<a>ü</a>"), "<a>ü</a>"}, // base64 in structured mode
		{"", nil, ""},
	} {
		e := cloudevents.NewEvent()
		e.SetID(fmt.Sprint(i))
		e.SetSource("urn:example:orders")
		e.SetType("com.example.order")
		e.SetSubject(fmt.Sprintf("customer/%d", i))
		e.SetExtension("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")
		if row.data != nil {
			if err := e.SetData(row.contentType, row.data); err != nil {
				t.Fatal(err)
			}
		}
		events = append(events, e)
		ctx := cloudevents.WithEncodingStructured(context.Background())
		if i%2 == 1 {
			ctx = cloudevents.WithEncodingBinary(context.Background())
		}
		if result := client.Send(ctx, e); !cloudevents.IsACK(result) {
			t.Fatalf("event %d: %v", i, result)
		}
		m, err := live.Next()
		if err != nil {
			t.Fatal(err)
		}
		if want := (wire.Message{ID: m.ID, Type: "com.example.order", Key: fmt.Sprintf("customer/%d", i), Data: row.want}); m != want {
			t.Errorf("event %d arrived as %+v, want %+v", i, m, want)
		}
	}
	for i, e := range events { // in the other mode
		ctx := cloudevents.WithEncodingBinary(context.Background())
		if i%2 == 1 {
			ctx = cloudevents.WithEncodingStructured(context.Background())
		}
		if result := client.Send(ctx, e); !cloudevents.IsACK(result) {
			t.Errorf("event %d in the other mode: %v", i, result)
		}
	}
	more := events[0].Clone()
	more.SetID("more")
	r, err := cloudhttp.NewHTTPRequestFromEvents(context.Background(), url, append(events, more))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if m, err := live.Next(); err != nil || answer.StatusCode != 200 || m.Key != "customer/0" {
		t.Errorf("batched: %s; read %+v, %v", answer.Status, m, err)
	}
	if n := metric(t, h.admin, `sse_publishes_total{outcome="duplicate"}`); n != 8 {
		t.Errorf("%v events are counted as duplicate, want 8", n)
	}
}

// cloudRow is a CloudEvent in structured mode and what becomes of it.
type cloudRow struct {
	name    string
	members string // besides those of minimal, which has another id for each
	problem string // empty: it is published as the rest says
	key     string
	data    string
}

var cloudRows = []cloudRow{
	{"no data", ``, "", "", ""},
	{"JSON", `,"data":{"a": 1.0}`, "", "", `{"a": 1.0}`},
	{"JSON over several lines", ",\"data\": {\n\"a\":1\n} ", "", "", "{\n\"a\":1\n}"},
	{"JSON string", `,"data":"te\u0078t"`, "", "", `"te\u0078t"`},
	{"JSON null", `,"data":null`, "", "", `null`},
	{"JSON by its type", `,"datacontenttype":"application/vnd.example+json; charset=utf-8","data":[1]`, "", "", `[1]`},
	{"JSON by its type, behind the data", `,"data":"x","datacontenttype":"Text/JSON"`, "", "", `"x"`},
	{"text", `,"datacontenttype":"text/plain","data":"te\u0078t\n"`, "", "", "text\n"},
	{"text, type behind the data", `,"data":"\"text\"","datacontenttype":"text/plain"`, "", "", `"text"`},
	{"text that is JSON", `,"datacontenttype":"text/plain","data":{"a":1}`, "400 invalid-cloudevent: data must be a string", "", ""},
	{"base64", `,"data_base64":"w7w="`, "", "", "ü"},
	{"base64 of nothing", `,"data_base64":""`, "", "", ""},
	{"base64 null", `,"data_base64":null,"data":1`, "", "", "1"},
	{"base64 of JSON", `,"datacontenttype":"application/json","data_base64":"` + base64.StdEncoding.EncodeToString([]byte(` {"a":1}`)) + `"`, "", "", ` {"a":1}`},
	{"base64 not UTF-8", `,"data_base64":"/w=="`, "400 invalid-utf8", "", ""},
	{"base64 malformed", `,"data_base64":"w7w"`, "400 invalid-cloudevent: data_base64: ", "", ""},
	{"base64 of one character", `,"data_base64":"w"`, "400 invalid-cloudevent: data_base64: ", "", ""},
	{"base64 a number", `,"data_base64":1`, "400 invalid-cloudevent: data_base64 must be a string", "", ""},
	{"both", `,"data":1,"data_base64":""`, "400 invalid-cloudevent: an event has data or data_base64", "", ""},
	{"subject", `,"subject":"customer 17"`, "", "customer 17", ""},
	{"subject null", `,"subject":null,"time":null`, "", "", ""},
	{"subject with a line feed", `,"subject":"a\nb"`, "400 invalid-key", "", ""},
	{"subject too long", `,"subject":"` + strings.Repeat("s", 257) + `"`, "400 invalid-key", "", ""},
	{"time", `,"time":"2026-11-22T20:00:00Z"`, "", "", ""},
	{"time malformed", `,"time":"yesterday"`, "400 invalid-cloudevent: ", "", ""},
	{"schema", `,"dataschema":"https://example.com/a.json"`, "", "", ""},
	{"extensions", `,"a":"text","b":1,"c":true,"traceparent":"x"`, "", "", ""},
	{"extension with a bad name", `,"not-a-name":"x"`, "400 invalid-cloudevent: bad key", "", ""},
	{"extension that is an object", `,"a":{}`, "400 invalid-cloudevent: ", "", ""},
	{"a name twice", `,"data":1,"data":2`, `400 invalid-cloudevent: a member has the name "data"`, "", ""},
	{"an empty name", `,"":1,"data":2`, `400 invalid-cloudevent: a member has the name ""`, "", ""},
	{"a number for a string", `,"subject":17`, "400 invalid-cloudevent: subject must be a string", "", ""},
	{"content type malformed", `,"datacontenttype":"/"`, "400 invalid-cloudevent: datacontenttype: ", "", ""},
	{"data too large", `,"data":"` + strings.Repeat("x", 1023) + `"`, "413 event-too-large", "", ""},
	{"data as large as may be", `,"data":"` + strings.Repeat("x", 1022) + `"`, "", "", `"` + strings.Repeat("x", 1022) + `"`},
}

func (r *cloudRow) event(id int) string {
	return strings.Replace(strings.TrimSuffix(minimal, "}"), `"1"`, fmt.Sprintf(`"%d"`, id), 1) + r.members + "}"
}

// check compares what was answered, and what a subscriber reads.
func (r *cloudRow) check(t *testing.T, got said, live *stream) {
	t.Helper()
	if r.problem == "" {
		if got.Status != 201 || got.ID == "" {
			t.Errorf("%s: answered %+v", r.name, got)
			return
		}
		live.expect(wire.Message{ID: got.ID, Type: "t", Key: r.key, Data: r.data})
		return
	}
	problem := fmt.Sprintf("%d %s: %s", got.Status, strings.TrimPrefix(got.Type, sse.ProblemTypePrefix), got.Detail)
	if !strings.HasPrefix(problem, r.problem) {
		t.Errorf("%s: answered %s, want %s", r.name, problem, r.problem)
	}
}

func TestStructuredCloudEvents(t *testing.T) {
	h := startHub(t, "--max-event-bytes", "1KiB")
	live := h.subscribe("topic=orders", "")
	url := h.public + "/v1/topics/orders/events"
	for i, row := range cloudRows {
		row.check(t, postOne(t, url, header{"Content-Type": cloudOne + "; charset=UTF-8"}, row.event(i)), live)
	}
	// The whole batch at once: bad ones spoil nothing.
	live = h.subscribe("topic=payments", "")
	var events []string
	for i, row := range cloudRows {
		events = append(events, row.event(i))
	}
	status, lines := post(t, h.public+"/v1/topics/payments/events", header{"Content-Type": cloudBatch}, " [\n"+strings.Join(events, ",")+"]\n")
	if status != 200 || len(lines) != len(events) {
		t.Fatalf("answered %d with %d lines", status, len(lines))
	}
	for i, row := range cloudRows {
		if lines[i].Line != i+1 {
			t.Errorf("event %d is answered as line %d", i+1, lines[i].Line)
		}
		row.check(t, lines[i], live)
	}
	if status, lines := post(t, url, header{"Content-Type": cloudBatch}, "[]"); status != 200 || len(lines) != 0 {
		t.Errorf("a batch of nothing: %d %+v", status, lines)
	}
}
