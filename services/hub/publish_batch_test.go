package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/sse"
	"github.com/sluice-stream/sluice/services/wire"
)

const ndjson = "application/x-ndjson"

// Each row is a batch of which nothing is published.
func TestBatchRefusals(t *testing.T) {
	h := startHub(t)
	const good = `{"data":"x"}` + "\n"
	for _, row := range []struct {
		name, query string
		header      header
		body        string
		status      int
		problem     string
	}{
		{"1001 lines", "", nil, strings.Repeat(good, 1001), 413, "batch-too-large"},
		{"8 MiB and a byte", "", nil, strings.Repeat(" ", 8<<20) + "\n", 413, "batch-too-large"},
		{"8 MiB and a byte, length unknown", "", header{"chunked": "yes"}, good + strings.Repeat(" ", 8<<20), 413, "batch-too-large"},
		{"type in the query", "?type=a", nil, good, 400, "unexpected-parameter"},
		{"type in the header", "", header{"X-Event-Type": "a"}, good, 400, "unexpected-parameter"},
		{"key in the query", "?key=a", nil, good, 400, "unexpected-parameter"},
		{"key in the header", "", header{"X-Event-Key": "a"}, good, 400, "unexpected-parameter"},
		{"query malformed", "?a=%zz", nil, good, 400, "invalid-query"},
		{"idempotency key too long", "", header{idempotencyKey: strings.Repeat("a", 256)}, good, 400, "invalid-idempotency-key"},
		{"compressed", "", header{"Content-Encoding": "gzip"}, good, 415, "unsupported-content-encoding"},
		{"CloudEvents, no array", "", header{"Content-Type": cloudBatch}, `{"specversion":"1.0"}`, 400, "invalid-cloudevent"},
		{"CloudEvents, array without end", "", header{"Content-Type": cloudBatch}, `[` + minimal + `,`, 400, "invalid-cloudevent"},
		{"CloudEvents, broken in the middle", "", header{"Content-Type": cloudBatch}, `[` + minimal + `,{],` + minimal + `]`, 400, "invalid-cloudevent"},
		{"CloudEvents, more behind", "", header{"Content-Type": cloudBatch}, `[` + minimal + `] []`, 400, "invalid-cloudevent"},
		{"CloudEvents, empty body", "", header{"Content-Type": cloudBatch}, ``, 400, "invalid-cloudevent"},
		{"1001 CloudEvents", "", header{"Content-Type": cloudBatch}, `[` + strings.Repeat(minimal+",", 1000) + minimal + `]`, 413, "batch-too-large"},
		{"CloudEvents with a key", "", header{"Content-Type": cloudBatch, idempotencyKey: "a"}, `[` + minimal + `]`, 400, "unexpected-parameter"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var body io.Reader = strings.NewReader(row.body)
			if row.header["chunked"] != "" {
				body = io.MultiReader(body) // hides the length
				delete(row.header, "chunked")
			}
			r, err := http.NewRequest("POST", h.public+"/v1/topics/orders/events"+row.query, body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", ndjson)
			for k, v := range row.header {
				r.Header.Set(k, v)
			}
			checkProblem(t, r, row.status, row.problem)
		})
	}
	if n := metric(t, h.admin, `sse_publishes_total{outcome="accepted"}`); n != 0 {
		t.Errorf("%v events were published", n)
	}
}

// Each row is a line, between good ones that it must not spoil.
func TestBatchLines(t *testing.T) {
	h := startHub(t, "--max-event-bytes", "1KiB")
	live := h.subscribe("topic=orders", "")
	long := strings.Repeat("x", 1024)
	rows := []struct {
		line    string
		problem string // empty: it is published as the rest says
		typ     string
		key     string
		data    string
	}{
		{`{"data":"text"}`, "", "message", "", "text"},
		{`{"type":"order.created","key":"17","data":{"order": 17}}`, "", "order.created", "17", `{"order": 17}`},
		{`{"data":""}`, "", "message", "", ""},
		{`{"data":null}`, "", "message", "", "null"},
		{`{"data":0.10}`, "", "message", "", "0.10"},
		{`{"data":[1 ,2]}`, "", "message", "", "[1 ,2]"},
		{`{"data":"two\nlines \"quoted\" \u00e9 \ud83d\ude00 <&>"}`, "", "message", "", "two\nlines \"quoted\" é 😀 <&>"},
		{`{"type":null,"key":"","idempotency_key":null,"data":1}`, "", "message", "", "1"},
		{` {"data":"` + long + `"}` + "\r", "", "message", "", long},
		{`{"data":"` + long + `x"}`, "413 event-too-large", "", "", ""},
		{`{"data":["` + long + `"]}`, "413 event-too-large", "", "", ""},
		{`{}`, "400 invalid-line: the line has no data", "", "", ""},
		{`{"type":"a"}`, "400 invalid-line: the line has no data", "", "", ""},
		{`{"data":1,"Type":"a"}`, `400 invalid-line: unknown member "Type"`, "", "", ""},
		{`{"data":1,"id":"a"}`, `400 invalid-line: unknown member "id"`, "", "", ""},
		{`{"data":1,"data":2}`, `400 invalid-line: a member has the name "data"`, "", "", ""},
		{`{"data":1,"":2}`, `400 invalid-line: a member has the name ""`, "", "", ""},
		{`{"data":1,"type":7}`, "400 invalid-line: type must be a string", "", "", ""},
		{`{"data":1,"key":["a"]}`, "400 invalid-line: key must be a string", "", "", ""},
		{`{"data":1,"idempotency_key":7}`, "400 invalid-line: idempotency_key must be a string", "", "", ""},
		{`{"data":1,"type":"stream.open"}`, "400 invalid-type", "", "", ""},
		{`{"data":1,"type":"a\nb"}`, "400 invalid-type", "", "", ""},
		{`{"data":1,"key":"a\nb"}`, "400 invalid-key", "", "", ""},
		{`{"data":1,"idempotency_key":""}`, "400 invalid-idempotency-key", "", "", ""},
		{`{"data":1,"idempotency_key":"é"}`, "400 invalid-idempotency-key", "", "", ""},
		{`{"data":`, "400 invalid-line", "", "", ""},
		{`{"data":1`, "400 invalid-line", "", "", ""},
		{`{"data":1}}`, "400 invalid-line", "", "", ""},
		{`{"data":1} {"data":2}`, "400 invalid-line", "", "", ""},
		{`{"data":01}`, "400 invalid-line", "", "", ""},
		{`{data:1}`, "400 invalid-line", "", "", ""},
		{`[1]`, "400 invalid-line: not a JSON object", "", "", ""},
		{`plain`, "400 invalid-line: not a JSON object", "", "", ""},
		{"{\"data\":\"\xff\"}", "400 invalid-utf8", "", "", ""},
		{`{"data":"last"}`, "", "message", "", "last"},
	}
	var body strings.Builder
	for _, row := range rows {
		body.WriteString(row.line + "\n\n \t\r\n") // blank lines are skipped
	}
	status, lines := post(t, h.public+"/v1/topics/orders/events", header{"Content-Type": "Application/X-NDJSON; charset=utf-8"}, body.String())
	if status != 200 || len(lines) != len(rows) {
		t.Fatalf("answered %d with %d lines for %d", status, len(lines), len(rows))
	}
	accepted, last := 0, eventlog.ID{}
	for i, row := range rows {
		got := lines[i]
		if got.Line != i+1 {
			t.Errorf("line %d is answered as %d", i+1, got.Line)
		}
		if row.problem != "" {
			problem := fmt.Sprintf("%d %s: %s", got.Status, strings.TrimPrefix(got.Type, sse.ProblemTypePrefix), got.Detail)
			if !strings.HasPrefix(problem, row.problem) || got.Detail == "" || got.ID != "" {
				t.Errorf("%.60s: answered %+v, want %s", row.line, got, row.problem)
			}
			continue
		}
		accepted++
		id, err := wire.ParseID(got.ID)
		if got.Status != 201 || err != nil || !last.Less(id) || got.Type != "" {
			t.Fatalf("%.60s: answered %+v after %v", row.line, got, last)
		}
		last = id
		live.expect(wire.Message{ID: got.ID, Type: row.typ, Key: row.key, Data: row.data})
	}
	for outcome, want := range map[string]int{"accepted": accepted, "invalid": len(rows) - accepted} {
		if n := metric(t, h.admin, fmt.Sprintf("sse_publishes_total{outcome=%q}", outcome)); n != float64(want) {
			t.Errorf("%v lines are counted as %s, want %d", n, outcome, want)
		}
	}
	if status, lines := post(t, h.public+"/v1/topics/orders/events", header{"Content-Type": ndjson}, "\n \r\n"); status != 200 || len(lines) != 0 {
		t.Errorf("a batch of nothing: %d %+v", status, lines)
	}
}

// A batch that is sent again is published once, and so is a line that has the
// key of another, in the same batch or elsewhere.
func TestBatchDuplicates(t *testing.T) {
	for name, settings := range map[string][]string{"memory": nil, "disk": {"--store", "disk", "--data", t.TempDir()}} {
		t.Run(name, func(t *testing.T) {
			h := startHub(t, settings...)
			live := h.subscribe("topic=orders", "")
			url := h.public + "/v1/topics/orders/events"
			batch := func(key string, lines ...string) (short []string) {
				t.Helper()
				headers := header{"Content-Type": ndjson}
				if key != "" {
					headers[idempotencyKey] = key
				}
				_, said := post(t, url, headers, strings.Join(lines, "\n"))
				for _, l := range said {
					short = append(short, fmt.Sprintf("%d %s %v", l.Status, l.ID, l.Duplicate))
				}
				return short
			}
			one, own, two := `{"data":"one"}`, `{"idempotency_key":"own","data":"own"}`, `{"data":"two"}`
			_, first := post(t, url, header{"Content-Type": ndjson, idempotencyKey: "k"}, strings.Join([]string{one, "", own, two, own}, "\n"))
			if len(first) != 4 || first[0].Status != 201 || first[1].Status != 201 || first[2].Status != 201 {
				t.Fatalf("answered %+v", first)
			}
			a, b, c := first[0].ID, first[1].ID, first[2].ID
			if d := first[3]; d.Status != 200 || !d.Duplicate || d.ID != b {
				t.Errorf("the same key twice in a batch: %+v", d)
			}
			dup := func(id string) string { return "200 " + id + " true" }
			for _, row := range []struct {
				name  string
				key   string
				lines []string
				want  []string
			}{
				{"the whole again", "k", []string{one, own, two, own}, []string{dup(a), dup(b), dup(c), dup(b)}},
				{"without a blank line's number", "k", []string{one, "", "", own, two}, []string{dup(a), dup(b), dup(c)}},
				{"one line with the key that it got", "", []string{`{"idempotency_key":"k/3","data":"two"}`}, []string{dup(c)}},
				{"another line in its place", "k", []string{`{"data":"three"}`, own, two}, []string{"422  false", dup(b), dup(c)}},
			} {
				if got := batch(row.key, row.lines...); !slices.Equal(got, row.want) {
					t.Errorf("%s: %q, want %q", row.name, got, row.want)
				}
			}
			if single := postOne(t, url, header{idempotencyKey: "k/1"}, "one"); single.ID != a || !single.Duplicate {
				t.Errorf("the line as an event of its own: %+v", single)
			}
			// The key of a line that failed is still free.
			if got := batch("f", `{"data":`, two)[0]; got != "400  false" {
				t.Errorf("a bad line: %s", got)
			}
			if got := batch("f", one, two); got[0][:4] != "201 " || got[1][:4] != "200 " {
				t.Errorf("the line put right: %s", got)
			}
			for _, want := range []string{"one", "own", "two", "two", "one"} {
				if m, err := live.Next(); err != nil || m.Data != want {
					t.Errorf("read %+v, %v; want %s", m, err, want)
				}
			}
			if n := metric(t, h.admin, `sse_publishes_total{outcome="duplicate"}`); n != 13 {
				t.Errorf("%v lines are counted as duplicate", n)
			}
		})
	}
}

// Full batches next to each other arrive whole, each in its own order.
func TestBatchesNextToEachOther(t *testing.T) {
	h := startHub(t, "--store", "disk", "--data", t.TempDir())
	const publishers, events = 4, 1000
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			var body strings.Builder
			for i := range events {
				fmt.Fprintf(&body, `{"type":"p%d","data":"%d"}`+"\n", p, i)
			}
			if status, lines := post(t, h.public+"/v1/topics/orders/events", header{"Content-Type": ndjson}, body.String()); status != 200 || len(lines) != events {
				t.Errorf("answered %d with %d lines", status, len(lines))
			}
		})
	}
	wg.Wait()
	all := h.subscribe("topic=orders", "0")
	next := map[string]int{}
	for range publishers * events {
		m, err := all.Next()
		if err != nil || m.Data != fmt.Sprint(next[m.Type]) {
			t.Fatalf("read %+v, %v; want event %d", m, err, next[m.Type])
		}
		next[m.Type]++
	}
}
