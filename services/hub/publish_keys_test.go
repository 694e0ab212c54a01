package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/wire"
)

// said is what a publish or a line of a batch is answered.
type said struct {
	Topic     string
	Line      int
	Status    int // of a line; of the answer for a single event
	ID        string
	Duplicate bool
	Type      string
	Detail    string
}

// post publishes a body and returns the answer's lines.
func post(t *testing.T, url string, headers header, body string) (int, []said) {
	t.Helper()
	r, err := http.NewRequest("POST", url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		r.Header.Set(k, v)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return 0, nil
	}
	defer answer.Body.Close()
	if !traceID.MatchString(answer.Header.Get("X-Trace-Id")) {
		t.Errorf("X-Trace-Id %q", answer.Header.Get("X-Trace-Id"))
	}
	var lines []said
	for d := json.NewDecoder(answer.Body); ; {
		var l said
		if err := d.Decode(&l); err == io.EOF {
			return answer.StatusCode, lines
		} else if err != nil {
			t.Errorf("%s: line %d: %v", answer.Status, len(lines), err)
			return answer.StatusCode, lines
		}
		lines = append(lines, l)
	}
}

// postOne publishes one event.
func postOne(t *testing.T, url string, headers header, body string) said {
	t.Helper()
	status, lines := post(t, url, headers, body)
	if len(lines) != 1 {
		t.Errorf("answered %d with %d lines", status, len(lines))
		return said{}
	}
	lines[0].Status = status
	return lines[0]
}

// decodeSaid reads a single answer.
func decodeSaid(t *testing.T, r io.Reader) (s said) {
	t.Helper()
	if err := json.NewDecoder(r).Decode(&s); err != nil {
		t.Error(err)
	}
	return s
}

const idempotencyKey = "Idempotency-Key"

// Each row is a rule for the parameters of a single publish.
func TestKeyRefusals(t *testing.T) {
	h := startHub(t)
	const path = "/v1/topics/orders/events"
	for _, row := range []struct {
		name, query string
		header      http.Header
		status      int
		problem     string
	}{
		{"key with a line feed", "?key=a%0Ab", nil, 400, "invalid-key"},
		{"key with a tab", "?key=a%09b", nil, 400, "invalid-key"},
		{"key with a no-break space", "?key=a%C2%A0b", nil, 400, "invalid-key"},
		{"key with a space first", "?key=%20a", nil, 400, "invalid-key"},
		{"key not UTF-8", "?key=a%FF", nil, 400, "invalid-key"},
		{"key of 257 bytes", "?key=" + strings.Repeat("a", 257), nil, 400, "invalid-key"},
		{"key of 129 characters of 2 bytes", "?key=" + strings.Repeat("%C3%A9", 129), nil, 400, "invalid-key"},
		{"key in the header", "", http.Header{"X-Event-Key": {strings.Repeat("a", 257)}}, 400, "invalid-key"},
		{"key twice", "?key=a&key=a", nil, 400, "invalid-key"},
		{"key twice in headers", "", http.Header{"X-Event-Key": {"a", "b"}}, 400, "invalid-key"},
		{"type twice", "?type=a&type=b", nil, 400, "invalid-type"},
		{"type twice in headers", "", http.Header{"X-Event-Type": {"a", "b"}}, 400, "invalid-type"},
		{"idempotency key empty", "", http.Header{idempotencyKey: {""}}, 400, "invalid-idempotency-key"},
		{"idempotency key of 256", "", http.Header{idempotencyKey: {strings.Repeat("a", 256)}}, 400, "invalid-idempotency-key"},
		{"idempotency key not ASCII", "", http.Header{idempotencyKey: {"é"}}, 400, "invalid-idempotency-key"},
		{"idempotency key with a tab", "", http.Header{idempotencyKey: {"a\tb"}}, 400, "invalid-idempotency-key"},
		{"idempotency key twice", "", http.Header{idempotencyKey: {"a", "a"}}, 400, "invalid-idempotency-key"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := http.NewRequest("POST", h.public+path+row.query, strings.NewReader("x"))
			if err != nil {
				t.Fatal(err)
			}
			if row.header != nil {
				r.Header = row.header
			}
			checkProblem(t, r, row.status, row.problem)
		})
	}
	if n := metric(t, h.admin, `sse_publishes_total{outcome="invalid"}`); n != 17 {
		t.Errorf("%v publishes are counted as invalid, want 17", n)
	}
}

// A key travels with its event; the query wins over the header.
func TestKeysArrive(t *testing.T) {
	h := startHub(t)
	live := h.subscribe("topic=orders", "")
	longest := strings.Repeat("é", 128)
	for _, row := range []struct {
		query  string
		header header
		want   string
	}{
		{"?key=17", nil, "17"},
		{"", header{"X-Event-Key": "by header"}, "by header"},
		{"?key=17", header{"X-Event-Key": "by header"}, "17"},
		{"?key=", header{"X-Event-Key": "by header"}, "by header"},
		{"?key=" + strings.Repeat("%C3%A9", 128), nil, longest},
		{"", header{"X-Event-Key": longest}, longest},
		{"?key=", nil, ""},
	} {
		m := publish(t, h, row.query, row.header, "x")
		m.Key = row.want
		live.expect(m)
	}
}

// The same again is answered with the first id; anything else under the key
// is refused; and one event arrives.
func TestIdempotencyKeys(t *testing.T) {
	h := startHub(t)
	live := h.subscribe("topic=orders", "")
	orders := h.public + "/v1/topics/orders/events"
	key := header{idempotencyKey: ` any printable "text" ~ ` + strings.Repeat("k", 200)}
	first := postOne(t, orders+"?type=a&key=b", key, "data")
	if first.Status != 201 || first.Duplicate {
		t.Fatalf("first: %+v", first)
	}
	for range 3 {
		want := first
		want.Status, want.Duplicate = 200, true
		if again := postOne(t, orders+"?type=a&key=b", key, "data"); again != want {
			t.Errorf("again: %+v, want %+v", again, want)
		}
	}
	for _, other := range []struct{ query, data string }{
		{"?type=a&key=b", "other"}, {"?type=a", "data"}, {"?key=b", "data"}, {"?type=ab", "data"}, {"?type=a&key=bd", "ata"}, {"?type=b&key=a", "data"},
	} {
		r, _ := http.NewRequest("POST", orders+other.query, strings.NewReader(other.data))
		r.Header.Set(idempotencyKey, key[idempotencyKey])
		checkProblem(t, r, 422, "idempotency-key-reused")
	}
	elsewhere := postOne(t, h.public+"/v1/topics/payments/events", key, "other topic, other key")
	if elsewhere.Status != 201 {
		t.Errorf("another topic: %+v", elsewhere)
	}
	last := postOne(t, orders, nil, "data") // no key: each time
	live.expect(wire.Message{ID: first.ID, Type: "a", Key: "b", Data: "data"})
	live.expect(wire.Message{ID: last.ID, Type: "message", Data: "data"})
	for outcome, want := range map[string]float64{"accepted": 3, "duplicate": 3, "invalid": 6, "refused": 0, "failed": 0} {
		if n := metric(t, h.admin, fmt.Sprintf("sse_publishes_total{outcome=%q}", outcome)); n != want {
			t.Errorf("%v publishes are counted as %s, want %v", n, outcome, want)
		}
	}
}

// Of many that publish under one key at the same time, one does and the
// others get its id.
func TestConcurrentDuplicates(t *testing.T) {
	for name, settings := range map[string][]string{"memory": nil, "disk": {"--store", "disk", "--data", t.TempDir()}} {
		t.Run(name, func(t *testing.T) {
			h := startHub(t, settings...)
			const publishers, keys = 16, 10
			answers := [keys][publishers]said{}
			var wg sync.WaitGroup
			for p := range publishers {
				wg.Go(func() {
					for k := range keys {
						answers[k][p] = postOne(t, h.public+"/v1/topics/orders/events", header{idempotencyKey: fmt.Sprint(k)}, fmt.Sprint(k))
					}
				})
			}
			wg.Wait()
			ids := map[string]string{} // data by id
			for k := range answers {
				firsts := 0
				for _, a := range answers[k] {
					if a.Status == 201 && !a.Duplicate {
						firsts++
					} else if a.Status != 200 || !a.Duplicate {
						t.Errorf("key %d: %+v", k, a)
					}
					if ids[a.ID] = fmt.Sprint(k); a.ID != answers[k][0].ID {
						t.Errorf("key %d has the ids %s and %s", k, a.ID, answers[k][0].ID)
					}
				}
				if firsts != 1 {
					t.Errorf("key %d was published %d times", k, firsts)
				}
			}
			all := h.subscribe("topic=orders", "0")
			for range keys {
				m, err := all.Next()
				if err != nil || ids[m.ID] != m.Data {
					t.Fatalf("read %+v, %v", m, err)
				}
				delete(ids, m.ID)
			}
		})
	}
}
