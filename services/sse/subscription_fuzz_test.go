package sse

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/services/wire"
)

// text is a position as a client would write it.
func text(starts []wire.Start, topics []string) string {
	var parts []string
	for i, s := range starts {
		parts = append(parts, topics[i]+"@"+s.String())
	}
	return strings.Join(parts, ",")
}

// FuzzSubscription: a query and an id are refused with a problem, or mean a
// subscription within the limits, and the same when it is written out.
func FuzzSubscription(f *testing.F) {
	for _, row := range [][2]string{
		{"", ""}, {"topic=orders", ""}, {"topic=a&topic=b&topic=a", "a@1-1,b@0"}, {"topic=a&last_event_id=5-7", ""}, {"topic=a&last_event_id=x", "0"},
		{"topic=a&topic=b", "5-7"}, {"topic=a&client_id=me&release=canary", ""}, {"topic=a&client_id=%20", ""}, {"topic=%zz", ""}, {"topic=a;b", ""},
		{"topic=", ""}, {"topic=.a", ""}, {"topic=" + strings.Repeat("a", 129), ""}, {"topic=a&topic=b&topic=c&topic=d", "$"}, {"topic=a&release=unknown", ""},
	} {
		f.Add(row[0], row[1])
	}
	h := &Handler{Releases: []string{"stable", "canary"}, MaxTopics: 3}
	ask := func(query, id string) (*subscription, *Rejection) {
		r := httptest.NewRequest(http.MethodGet, "/v1/events", nil)
		r.URL.RawQuery = query
		r.Header.Set("Last-Event-ID", id)
		return h.parseSubscription(r)
	}
	f.Fuzz(func(t *testing.T, query, id string) {
		s, why := ask(query, id)
		if why != nil {
			if why.Status != 400 || why.Type == "" || why.Detail == "" {
				t.Errorf("%q, %q: refused with %+v", query, id, why)
			}
			return
		}
		if len(s.topics) == 0 || len(s.topics) > h.MaxTopics || len(s.starts) != len(s.topics) || len(s.client) > MaxClientID ||
			s.release != "stable" && s.release != "canary" {
			t.Fatalf("%q, %q: %+v", query, id, s)
		}
		for _, topic := range s.topics {
			if !wire.ValidTopic(topic) {
				t.Errorf("%q, %q: topic %q", query, id, topic)
			}
		}
		written := url.Values{"topic": s.topics, "client_id": {s.client}, "release": {s.release}}
		position := ""
		if s.presented {
			position = text(s.starts, s.topics)
		}
		again, why := ask(written.Encode(), position)
		if why != nil || !reflect.DeepEqual(again, s) {
			t.Errorf("%q, %q is %+v; written out, %q, %q, it is %+v, %+v", query, id, s, written.Encode(), position, again, why)
		}
	})
}
