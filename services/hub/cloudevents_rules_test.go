package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/wire"
)

// Each row is a CloudEvent that is refused, with what is wrong with it.
func TestCloudEventRefusals(t *testing.T) {
	h := startHub(t, "--max-event-bytes", "1KiB")
	binary := func(change header) header {
		all := header{"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/a", "ce-type": "t"}
		for k, v := range change {
			if all[k] = v; v == "-" {
				delete(all, k)
			}
		}
		return all
	}
	structured := header{"Content-Type": cloudOne}
	for _, row := range []struct {
		name, query string
		header      header
		body        string
		status      int
		problem     string
		detail      string
	}{
		{"not JSON", "", structured, "x", 400, "invalid-cloudevent", "not a JSON object"},
		{"nothing", "", structured, "", 400, "invalid-cloudevent", "not a JSON object"},
		{"cut off", "", structured, minimal[:20], 400, "invalid-cloudevent", "not valid JSON"},
		{"not UTF-8", "", structured, minimal[:len(minimal)-1] + ",\"a\":\"\xff\"}", 400, "invalid-cloudevent", "not UTF-8"},
		{"two", "", structured, minimal + minimal, 400, "invalid-cloudevent", "more follows"},
		{"no version", "", structured, `{"id":"1","source":"/a","type":"t"}`, 400, "invalid-cloudevent", "specversion is missing"},
		{"version 0.3", "", structured, strings.Replace(minimal, "1.0", "0.3", 1), 400, "invalid-cloudevent", "specversion must be 1.0"},
		{"no id and type", "", structured, `{"specversion":"1.0","source":"/a"}`, 400, "invalid-cloudevent", "id: MUST be a non-empty string; type: "},
		{"no source", "", structured, `{"specversion":"1.0","id":"1","type":"t"}`, 400, "invalid-cloudevent", "source"},
		{"type of the hub", "", structured, strings.Replace(minimal, `"t"`, `"stream.open"`, 1), 400, "invalid-type", ""},
		{"too large", "", structured, minimal + strings.Repeat(" ", 2<<10+64<<10), 413, "event-too-large", "a CloudEvent may have"},
		{"type beside it", "?type=a", structured, minimal, 400, "unexpected-parameter", "type"},
		{"key beside it", "", header{"Content-Type": cloudOne, "X-Event-Key": "a"}, minimal, 400, "unexpected-parameter", "key"},
		{"idempotency key beside it", "", header{"Content-Type": cloudOne, idempotencyKey: "a"}, minimal, 400, "unexpected-parameter", "Idempotency-Key"},
		{"another format", "", header{"Content-Type": "application/cloudevents+xml"}, "<a/>", 415, "unsupported-media-type", cloudOne},
		{"a batch in another format", "", header{"Content-Type": "application/cloudevents-batch+avro"}, "x", 415, "unsupported-media-type", cloudBatch},
		{"binary without a version", "", binary(header{"ce-specversion": "-"}), "x", 400, "invalid-cloudevent", "ce-specversion is missing"},
		{"binary of version 0.3", "", binary(header{"ce-specversion": "0.3"}), "x", 400, "invalid-cloudevent", "specversion must be 1.0"},
		{"binary of an unknown version", "", binary(header{"ce-specversion": "2"}), "x", 400, "invalid-cloudevent", "specversion must be 1.0"},
		{"binary without an id", "", binary(header{"ce-id": "-"}), "x", 400, "invalid-cloudevent", "id"},
		{"binary with only an id", "", header{"ce-id": "1"}, "x", 400, "invalid-cloudevent", "ce-specversion is missing"},
		{"binary with a bad time", "", binary(header{"ce-time": "now"}), "x", 400, "invalid-cloudevent", ""},
		{"binary with a bad name", "", binary(header{"ce-a_b": "x"}), "x", 400, "invalid-cloudevent", "bad key"},
		{"binary with no name", "", binary(header{"ce-": "x"}), "x", 400, "invalid-cloudevent", "names no attribute"},
		{"binary with a bad escape", "", binary(header{"ce-subject": "a%ff"}), "x", 400, "invalid-cloudevent", "ce-subject is not UTF-8"},
		{"binary with a line feed", "", binary(header{"ce-subject": "a%0Ab"}), "x", 400, "invalid-key", ""},
		{"binary not UTF-8", "", binary(nil), "\xff", 400, "invalid-utf8", ""},
		{"binary too large", "", binary(nil), strings.Repeat("x", 1025), 413, "event-too-large", "the data of an event may have"},
		{"binary and an idempotency key", "", binary(header{idempotencyKey: "a"}), "x", 400, "unexpected-parameter", "Idempotency-Key"},
	} {
		t.Run(row.name, func(t *testing.T) {
			request := func() *http.Request {
				r, err := http.NewRequest("POST", h.public+"/v1/topics/orders/events"+row.query, strings.NewReader(row.body))
				if err != nil {
					t.Fatal(err)
				}
				for k, v := range row.header {
					r.Header.Set(k, v)
				}
				return r
			}
			checkProblem(t, request(), row.status, row.problem)
			answer, err := http.DefaultClient.Do(request())
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if p := decodeSaid(t, answer.Body); !strings.Contains(p.Detail, row.detail) || strings.ContainsAny(p.Detail, "\n") {
				t.Errorf("the detail is %q, want %q in it", p.Detail, row.detail)
			}
		})
	}
}

// Headers of binary mode arrive as the HTTP binding has them.
func TestBinaryCloudEvents(t *testing.T) {
	h := startHub(t)
	live := h.subscribe("topic=orders", "")
	for i, row := range []struct{ contentType, subject, key, data string }{
		{"application/json", "a", "a", ` {"a":1}`},
		{"text/plain", "gr%C3%BCn%20100%25", "grün 100%", "text"},
		{ndjson, "100%", "100%", "{}\n{}"}, // the type of the data, not of the request
		{"", `"a \"b\""`, `a "b"`, ""},
		{"application/octet-stream", "größe", "größe", "x"},
	} {
		headers := header{"ce-specversion": "1.0", "ce-id": fmt.Sprint(i), "ce-source": "/a", "ce-type": "t", "ce-subject": row.subject, "ce-extra": "x"}
		if row.contentType != "" {
			headers["Content-Type"] = row.contentType
		}
		got := postOne(t, h.public+"/v1/topics/orders/events", headers, row.data)
		live.expect(wire.Message{ID: got.ID, Type: "t", Key: row.key, Data: row.data})
	}
}

// Source and id make an event the same, and no others do; a key of another
// kind is another key.
func TestCloudEventDuplicates(t *testing.T) {
	h := startHub(t)
	url := h.public + "/v1/topics/orders/events"
	event := func(source, id, data string) said {
		return postOne(t, url, header{"Content-Type": cloudOne},
			fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":%q,"type":"t","data":%s}`, id, source, data))
	}
	first := event("/a", "b/c", "1")
	for _, row := range []struct {
		name      string
		got       said
		status    int
		duplicate bool
	}{
		{"again", event("/a", "b/c", "1"), 200, true},
		{"other data", event("/a", "b/c", "2"), 422, false},
		{"joined otherwise", event("/a/b", "c", "1"), 201, false},
		{"a header of the same text", postOne(t, url, header{idempotencyKey: "/ab/c"}, "1"), 201, false},
		{"an id with a line feed", event("/a", "b\n", "1"), 201, false},
	} {
		if row.got.Status != row.status || row.got.Duplicate != row.duplicate || row.duplicate && row.got.ID != first.ID {
			t.Errorf("%s: %+v", row.name, row.got)
		}
	}
}

// Whatever else the content type says, the body is the data.
func TestAnyContentTypeIsAnEvent(t *testing.T) {
	h := startHub(t)
	live := h.subscribe("topic=orders", "")
	for _, contentType := range []string{
		"application/x-www-form-urlencoded", "application/json", "application/ndjson", "text/event-stream", "nonsense;;", "",
	} {
		m := publish(t, h, "", header{"Content-Type": contentType}, `{"data":1}`)
		live.expect(m)
	}
}
