package client_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/sluice-stream/sluice/services/client"
)

// taking answers a batch line by line.
func taking(line func(n int, data string) string) answer {
	return func(w *http.Response, body string) error {
		var out bytes.Buffer
		n := 0
		for text := range strings.Lines(body) {
			var l struct{ Data, IdempotencyKey string }
			if err := json.Unmarshal([]byte(text), &l); err != nil {
				return err
			}
			n++
			fmt.Fprintf(&out, "{\"line\":%d,%s}\n", n, line(n, l.Data))
		}
		w.StatusCode, w.Body = 200, io.NopCloser(&out)
		return nil
	}
}

func named(_ int, data string) string { return fmt.Sprintf(`"status":201,"id":"%s-0"`, data) }

// Of a batch only that is sent again which may succeed, in its order and under
// its keys.
func TestBatchIsRepeatedInPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, hub := publisher(t, nil,
			breaks,
			taking(func(n int, data string) string {
				switch data {
				case "2", "5":
					return `"status":503,"type":"urn:x","detail":"busy"`
				case "3":
					return `"status":413,"type":"urn:y","detail":"too large"`
				}
				return named(n, data)
			}),
			taking(func(n int, data string) string {
				if data == "5" {
					return `"status":200,"id":"5-0","duplicate":true`
				}
				return named(n, data)
			}))
		var all []client.Message
		for i := range 6 {
			all = append(all, client.Message{Data: fmt.Sprint(i + 1), Type: "t", Key: "<k>"})
		}
		all[0].IdempotencyKey = "mine"
		results, err := p.PublishBatch(t.Context(), "a", all)
		var why *client.RejectedError
		if !errors.As(err, &why) || why.Status != 413 || !strings.Contains(err.Error(), "1 of 6") {
			t.Errorf("the error is %v", err)
		}
		for i, r := range results {
			if i == 2 {
				if r.Err == nil || r.ID != "" {
					t.Errorf("result %d: %+v", i, r)
				}
			} else if r.Err != nil || r.ID != fmt.Sprintf("%d-0", i+1) || r.Duplicate != (i == 4) {
				t.Errorf("result %d: %+v", i, r)
			}
		}
		if len(hub.got) != 3 || hub.got[0].body != hub.got[1].body || hub.got[0].kind != "application/x-ndjson" || results[0].IdempotencyKey != "mine" {
			t.Fatalf("sent %+v", hub.got)
		}
		want := fmt.Sprintf("{\"type\":\"t\",\"key\":\"<k>\",\"idempotency_key\":%q,\"data\":\"2\"}\n{\"type\":\"t\",\"key\":\"<k>\",\"idempotency_key\":%q,\"data\":\"5\"}\n",
			results[1].IdempotencyKey, results[4].IdempotencyKey)
		if hub.got[2].body != want {
			t.Errorf("repeated %s\nwant %s", hub.got[2].body, want)
		}
	})
}

// Batches are cut to the hub's bounds.
func TestBatchBounds(t *testing.T) {
	p, hub := publisher(t, nil, taking(func(int, string) string { return `"status":201,"id":"1-0"` }))
	for name, row := range map[string]struct{ events, bytes, requests int }{
		"none": {0, 0, 0}, "as many as go": {1000, 1, 1}, "one more": {1001, 1, 2}, "large": {20, 1 << 20, 3},
	} {
		hub.got = nil
		all := make([]client.Message, row.events)
		for i := range all {
			all[i].Data = strings.Repeat("x", row.bytes)
		}
		results, err := p.PublishBatch(t.Context(), "a", all)
		if err != nil || len(results) != row.events || len(hub.got) != row.requests {
			t.Errorf("%s: %d requests, %v", name, len(hub.got), err)
		}
		for _, s := range hub.got {
			if len(s.body) > 8<<20 {
				t.Errorf("%s: a request of %d bytes", name, len(s.body))
			}
		}
	}
	if _, err := p.PublishBatch(t.Context(), "a", []client.Message{{Data: strings.Repeat("x", 8<<20)}}); err == nil {
		t.Error("an event beyond the bounds was sent")
	}
}

// After a refusal of a whole request, or an answer that is not a hub's, no
// other is made, and everything left says why.
func TestBatchEnds(t *testing.T) {
	for name, a := range map[string]answer{"refused": says(403, ""), "no hub": says(200, `{"line":2,"id":"1-0"}`)} {
		p, hub := publisher(t, nil, a)
		results, err := p.PublishBatch(t.Context(), "a", make([]client.Message, 1500))
		if err == nil || len(hub.got) != 1 || results[0].Err == nil || results[1499].Err == nil || !strings.Contains(err.Error(), "1500 of 1500") {
			t.Errorf("%s: %d requests, %v", name, len(hub.got), err)
		}
	}
}
