package sse_test

import (
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/services/sse"
)

// Every refusal is told, whoever refuses, and a challenge goes with it.
func TestRefusalsAreTold(t *testing.T) {
	var mu sync.Mutex // guards told
	var told []string
	f := serve(t, options{handler: &sse.Handler{
		Admit: func(*http.Request, []string) (sse.Admission, *sse.Rejection) {
			return sse.Admission{}, &sse.Rejection{Status: 401, Type: "unauthorized", Detail: "who are you?", Challenge: `Bearer realm="test"`}
		},
		Rejected: func(_ *http.Request, why *sse.Rejection) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, why.Type)
		},
	}})
	for query, want := range map[string]int{"": 400, "topic=a": 401, "topic=a&on_reject=retry": 200} {
		w := f.dial(t, 0)
		w.request("GET", "/v1/events?"+query)
		line, head, body := w.answer()
		challenge := ""
		if want == 401 {
			challenge = `Bearer realm="test"`
		}
		if line[9:12] != map[int]string{200: "200", 400: "400", 401: "401"}[want] || head.Get("WWW-Authenticate") != challenge {
			t.Errorf("%s: %s %v %s", query, line, head, body)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(told)
	if want := []string{"missing-topic", "unauthorized", "unauthorized"}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
}
