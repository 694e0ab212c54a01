package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/roomtest"
	"github.com/sluice-stream/sluice/services/wire"
)

// recorder keeps what was appended, in front of a store that works.
type recorder struct {
	eventlog.Store
	bodies []string
}

func (s *recorder) Unwrap() eventlog.Store { return s.Store }

func (s *recorder) Append(ctx context.Context, topic string, entries []eventlog.Entry) []eventlog.Result {
	results := s.Store.Append(ctx, topic, entries)
	for i, r := range results {
		if r.Err == nil && !r.Receipt.Duplicate {
			s.bodies = append(s.bodies, string(entries[i].AppendBody(nil)))
		}
	}
	return results
}

// events returns what was appended since the last time, as readers get it.
func (s *recorder) events(t *testing.T) (all []wire.Message) {
	t.Helper()
	d := wire.NewDecoder(strings.NewReader(strings.Join(s.bodies, "")))
	d.MaxEventBytes = 64 << 20
	s.bodies = nil
	for {
		m, err := d.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
}

// post publishes a body and returns its answer, for a batch with its lines.
func post(t *testing.T, public http.Handler, contentType string, body []byte) (status int, lines []line) {
	t.Helper()
	r := httptest.NewRequest("POST", "/v1/topics/orders/events", bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	public.ServeHTTP(w, r)
	for d := json.NewDecoder(w.Body); ; {
		var l line
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			return w.Code, lines
		} else if err != nil {
			t.Fatalf("%d: line %d: %v", w.Code, len(lines), err)
		}
		lines = append(lines, l)
	}
}

func memoryOf(keys int) *recorder {
	return &recorder{Store: eventlog.Memory(eventlog.MemoryOptions{Keys: eventlog.KeyOptions{Most: keys}})}
}

// Of a batch whose lines the store treats differently each is answered for
// itself, and the failures are one line in the log, without keys and data.
func TestBatchOfAStoreThatFails(t *testing.T) {
	calls := 0
	store := &brokenStore{func(context.Context) (eventlog.Receipt, error) {
		switch calls++; calls {
		case 2, 3:
			return eventlog.Receipt{}, fmt.Errorf("%w: no space", eventlog.ErrStoreFailed)
		case 4:
			return eventlog.Receipt{}, eventlog.ErrTooManyTopics
		}
		return eventlog.Receipt{ID: eventlog.ID{MS: uint64(calls)}}, nil
	}}
	var logged bytes.Buffer
	h := newRoom(t, store, func(g *roomtest.Given) { g.Logger = slog.New(slog.NewJSONHandler(&logged, nil)) })
	status, lines := post(t, h.http, linesType, []byte(strings.Repeat(`{"data":"secret","key":"secret","idempotency_key":"secret"}`+"\n", 5)+"{}"))
	var got []int
	for _, l := range lines {
		got = append(got, l.Status)
	}
	if want := []int{201, 503, 503, 429, 201, 400}; status != 200 || !slices.Equal(got, want) {
		t.Errorf("answered %d, lines %v, want %v", status, got, want)
	}
	if text := logged.String(); strings.Count(text, `"level":"ERROR"`) != 1 || !strings.Contains(text, "2 of 6 events of a batch") || strings.Contains(text, "secret") {
		t.Errorf("logged %s", text)
	}
	metrics := h.metrics()
	for _, want := range []string{`"accepted",topic_class="other"} 2`, `"duplicate",topic_class="other"} 0`, `"failed",topic_class="other"} 2`, `"refused",topic_class="other"} 1`, `"invalid",topic_class="other"} 1`} {
		if !strings.Contains(metrics, "sse_publishes_total{outcome="+want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// Over the budget of keys the oldest is forgotten, and only that.
func TestBudgetOfKeys(t *testing.T) {
	h := newRoom(t, memoryOf(2), nil)
	publish := func(key string) int {
		r := httptest.NewRequest("POST", "/v1/topics/orders/events", strings.NewReader("x"))
		r.Header.Set("Idempotency-Key", key)
		w := httptest.NewRecorder()
		h.http.ServeHTTP(w, r)
		return w.Code
	}
	for i, row := range []struct {
		key  string
		want int
	}{{"a", 201}, {"b", 201}, {"a", 200}, {"c", 201}, {"b", 200}, {"c", 200}, {"a", 201}, {"c", 200}, {"b", 201}} {
		if got := publish(row.key); got != row.want {
			t.Errorf("publish %d, of %s, answered %d, want %d", i+1, row.key, got, row.want)
		}
	}
	if s := h.Log.Keys(); s.Remembered != 2 || s.Forgotten != 3 {
		t.Errorf("%+v", s)
	}
}

// No two publishes that differ have the same key and fingerprint.
func TestIdempotencyIsUnambiguous(t *testing.T) {
	seen := map[eventlog.Idempotency]string{}
	for _, row := range []struct {
		subject string
		e       incoming
	}{
		{"", incoming{once: named("ab")}},
		{"a", incoming{once: named("b")}},
		{"", incoming{once: []string{"cloudevent", "a", "b"}}},
		{"", incoming{once: []string{"cloudevent", "ab", ""}}},
		{"", incoming{once: []string{"cloudevent", "", "ab"}}},
		{"", incoming{once: named("ab"), typ: "x"}},
		{"", incoming{once: named("ab"), key: "x"}},
		{"", incoming{once: named("ab"), data: []byte("x")}},
		{"", incoming{once: named("ab"), typ: "x", key: "x"}},
		{"", incoming{once: named("ab"), key: "xx"}},
		{"", incoming{once: named("ab"), key: "x", data: []byte("x")}},
	} {
		i := *row.e.idempotency(row.subject)
		if other, ok := seen[i]; ok {
			t.Errorf("%+v of %q is the same as %s", row.e, row.subject, other)
		}
		seen[i] = fmt.Sprintf("%+v of %q", row.e, row.subject)
	}
	if (&incoming{}).idempotency("a") != nil {
		t.Error("an event without a name has a key")
	}
}

func TestHeadersAreDecoded(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "a b": "a b", "a%20b": "a b", "%C3%bc": "ü", "%25zz": "%zz", "100%": "100%", "%": "%", "%4": "%4", "%zz%41": "%zzA", "%+1": "%+1",
		`"`: `"`, `""`: "", `"a"`: "a", `"a\"\\b"`: `a"\b`, `"a\"`: `a\`, `a"b"`: `a"b"`, `"%22"`: `"`, "%2525": "%25",
	} {
		if got := percentDecoded(unquoted(in)); got != want {
			t.Errorf("%s became %q, want %q", in, got, want)
		}
	}
}
