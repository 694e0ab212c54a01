package subscribe

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzPong has any body as a pong for a stream that is not there: it is bad,
// too large, or for nobody, and never an error of the hub's. What is taken
// says a number.
func FuzzPong(f *testing.F) {
	for _, seed := range []string{
		"", "{}", `{"seq":1,"ts":1763820000000,"last_event_id":"a@5-1,b@0-0"}`, `{"seq":18446744073709551615}`, `{"seq":-0}`, `{"SEQ":1,"seq":2}`,
		`{"seq":1e3}`, `{"seq":1}x`, `[1]`, `{"seq":1,"last_event_id":null}`, `{"seq":1,"last_event_id":"\u0000"}`, "\xff", `{"seq":1,"x":{"y":[[[[]]]]}}`,
	} {
		f.Add([]byte(seed))
	}
	h := newRoom(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", "/v1/connections/x/pong", bytes.NewReader(body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		p, why := parsePong(body)
		want := 404
		switch {
		case len(body) > maxPongBytes:
			want = 413
		case why != nil:
			want = 400
		}
		if w.Code != want {
			t.Fatalf("%q: %d %s, want %d", body, w.Code, w.Body, want)
		}
		if why != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(body, &members); err != nil {
			t.Fatalf("%q was taken: %v", body, err)
		}
		if exact, ok := members["seq"]; ok && len(members) == 1 {
			var n json.Number
			if err := json.Unmarshal(exact, &n); err != nil || strings.ContainsAny(n.String(), ".eE-") && p.Seq != 0 {
				t.Fatalf("%q was taken as %d", body, p.Seq)
			}
		}
	})
}
