package front

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func passes(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

func TestKnownHosts(t *testing.T) {
	for _, row := range []struct {
		host    string
		allowed []string
		want    int
	}{
		{"localhost", nil, 200},
		{"localhost:8080", nil, 200},
		{"LOCALHOST:8080", nil, 200},
		{"localhost.", nil, 200},
		{"app.localhost:8080", nil, 200},
		{"127.0.0.1:8080", nil, 200},
		{"127.8.9.1", nil, 200},
		{"192.0.2.7:8080", nil, 200},
		{"[::1]:8080", nil, 200},
		{"[::1]", nil, 200},
		{"[2001:db8::1]:8080", nil, 200},
		{"[fe80::1%25eth0]:8080", nil, 200},
		{"", nil, 200},
		{"evil.example", nil, 403},
		{"evil.example:8080", nil, 403},
		{"localhost.evil.example", nil, 403},
		{"notlocalhost", nil, 403},
		{"127.0.0.1.evil.example", nil, 403},
		{"127.0.0.1.nip.io:8080", nil, 403},
		{"evil.example:127.0.0.1", nil, 403},
		{"localhost:8080@evil.example", nil, 403},
		{"0x7f000001", nil, 403},
		{"2130706433", nil, 403},
		{"hub.example:8080", nil, 403},
		{"hub.example:8080", []string{"other", "Hub.Example"}, 200},
		{"HUB.example.", []string{"hub.example"}, 200},
		{"x.hub.example", []string{"hub.example"}, 403},
		{"evil.example", []string{"*"}, 200},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host = row.host
		w := httptest.NewRecorder()
		knownHosts(row.allowed, http.HandlerFunc(passes)).ServeHTTP(w, r)
		if w.Code != row.want {
			t.Errorf("Host %q with %v: %d, want %d", row.host, row.allowed, w.Code, row.want)
		}
		if w.Code == 403 && (!strings.Contains(w.Body.String(), "host-not-allowed") || !strings.Contains(w.Body.String(), "--allowed-host")) {
			t.Errorf("Host %q: %s", row.host, w.Body)
		}
	}
}

func TestPreflights(t *testing.T) {
	const listed = "authorization, content-type, last-event-id, idempotency-key, x-event-type, x-event-key, x-release-version, traceparent, " +
		"cache-control, pragma, x-requested-with, baggage, sentry-trace, tracestate, if-match, if-none-match, x-topic-lease, x-trace-env"
	handler := shared([]string{"https://app.example", "http://localhost:3000"}, http.HandlerFunc(passes))
	for _, row := range []struct {
		origin, headers, allowed string
		status                   int
	}{
		{"https://app.example", "", "", 204},
		{"http://localhost:3000", "content-type", "content-type", 204},
		{"https://app.example", strings.ReplaceAll(listed, " ", ""), listed, 204},
		{"https://app.example", "Authorization, Traceparent", "authorization, traceparent", 204},
		{"https://app.example", "ce-id,ce-source,ce-anything", "ce-id, ce-source, ce-anything", 204},
		{"https://app.example", "content-type,x-forwarded-for,cookie,x-ce-id", "content-type", 204},
		{"https://app.example", "ce-a b,ce-\x01", "", 204},
		{"https://evil.example", "content-type", "", 403},
		{"http://app.example", "content-type", "", 403},
		{"https://app.example:8443", "content-type", "", 403},
		{"https://app.example.evil.example", "content-type", "", 403},
		{"null", "content-type", "", 403},
	} {
		r := httptest.NewRequest("OPTIONS", "/v1/topics/orders/events", nil)
		r.Header.Set("Origin", row.origin)
		r.Header.Set("Access-Control-Request-Method", "POST")
		if row.headers != "" {
			r.Header.Set("Access-Control-Request-Headers", row.headers)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		h := w.Header()
		if w.Code != row.status || h.Get("Access-Control-Allow-Headers") != row.allowed {
			t.Errorf("%s %q: %d, allows %q", row.origin, row.headers, w.Code, h.Get("Access-Control-Allow-Headers"))
		}
		if !strings.Contains(strings.Join(h.Values("Vary"), ","), "Origin") {
			t.Errorf("%s: Vary %v", row.origin, h.Values("Vary"))
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": row.origin, "Access-Control-Allow-Credentials": "true",
			"Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, PATCH, DELETE", "Access-Control-Max-Age": "7200",
		} {
			if row.status != 204 {
				want = ""
			}
			if h.Get(name) != want {
				t.Errorf("%s: %s: %q", row.origin, name, h.Get(name))
			}
		}
	}
}

// A plain request gets the headers that let a page read the answer, where its
// origin is one that may; OPTIONS without a question is nobody's preflight.
func TestSharedAnswers(t *testing.T) {
	for _, row := range []struct {
		origins        []string
		method, origin string
		allowed, vary  string
		exposed        string
	}{
		{[]string{"https://app.example"}, "GET", "https://app.example", "https://app.example", "Origin", corsExpose[0]},
		{[]string{"https://app.example"}, "OPTIONS", "https://app.example", "https://app.example", "Origin", corsExpose[0]},
		{[]string{"https://app.example"}, "GET", "https://evil.example", "", "Origin", ""},
		{[]string{"https://app.example"}, "GET", "", "", "Origin", ""},
		{nil, "GET", "https://app.example", "", "", ""},
	} {
		r := httptest.NewRequest(row.method, "/v1/events", nil)
		if row.origin != "" {
			r.Header.Set("Origin", row.origin)
		}
		w := httptest.NewRecorder()
		shared(row.origins, http.HandlerFunc(passes)).ServeHTTP(w, r)
		h := w.Header()
		if w.Code != 200 || h.Get("Access-Control-Allow-Origin") != row.allowed || h.Get("Vary") != row.vary || h.Get("Access-Control-Expose-Headers") != row.exposed {
			t.Errorf("%+v: %d %v", row, w.Code, h)
		}
	}
}
