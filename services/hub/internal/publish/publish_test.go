package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/services/eventlog"
	"github.com/sluice-stream/sluice/services/hub/internal/roomtest"
)

// What the store answers becomes a status that says whose fault it was and
// when to come back.
func TestStoreErrors(t *testing.T) {
	for _, row := range []struct {
		name    string
		append  func(context.Context) (eventlog.Receipt, error)
		status  int
		problem string
		retry   bool
		outcome string
	}{
		{"failed", answers(fmt.Errorf("%w: no space", eventlog.ErrStoreFailed)), 503, "store-failed", true, "failed"},
		{"closed", answers(eventlog.ErrClosed), 503, "shutting-down", true, "failed"},
		{"full", answers(eventlog.ErrTooManyTopics), 429, "topic-limit", true, "refused"},
		{"ended", answers(eventlog.ErrTopicEnded), 409, "topic-ended", false, "invalid"},
		{"unknown", answers(errors.New("a secret path")), 500, "internal", false, "failed"},
		{"hangs", func(ctx context.Context) (eventlog.Receipt, error) {
			<-ctx.Done()
			return eventlog.Receipt{}, context.Cause(ctx)
		}, 504, "store-timeout", false, "failed"},
		{"panics", func(context.Context) (eventlog.Receipt, error) { panic("a secret path") }, 500, "internal", false, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newRoom(t, &brokenStore{row.append}, func(g *roomtest.Given) { g.Times.Append = 10 * time.Millisecond })
			w := httptest.NewRecorder()
			h.http.ServeHTTP(w, httptest.NewRequest("POST", "/v1/topics/orders/events", strings.NewReader("x")))
			roomtest.CheckProblem(t, w.Result(), row.status, row.problem)
			if (w.Header().Get("Retry-After") != "") != row.retry {
				t.Errorf("Retry-After: %q", w.Header().Get("Retry-After"))
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Error("the answer tells what is the hub's own")
			}
			if row.outcome == "" {
				return
			}
			if !h.counts(fmt.Sprintf("sse_publishes_total{outcome=%q,topic_class=\"other\"} 1", row.outcome)) {
				t.Errorf("the publish is not counted as %s", row.outcome)
			}
		})
	}
}

func answers(err error) func(context.Context) (eventlog.Receipt, error) {
	return func(context.Context) (eventlog.Receipt, error) { return eventlog.Receipt{}, err }
}

func FuzzPublish(f *testing.F) {
	f.Add("orders", "type=a", "order.created", "data")
	f.Add("a/../b", "type=%zz", "", "\xff")
	f.Add("hub.stats", "", "stream.x", "\r\n\r\n")
	handler := newRoom(f, eventlog.Memory(eventlog.MemoryOptions{MaxTopics: 100}), nil).http
	f.Fuzz(func(t *testing.T, topic, query, typ, data string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(data))
		r.URL.Path, r.URL.RawQuery = "/v1/topics/"+topic+"/events", query
		r.Header.Set("X-Event-Type", typ)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		switch w.Code {
		case 201, 400, 404, 405, 413, 429:
		default:
			t.Errorf("answered %d %s", w.Code, w.Body)
		}
		if !json.Valid(w.Body.Bytes()) {
			t.Errorf("not JSON: %s", w.Body)
		}
	})
}
