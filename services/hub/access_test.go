package main

import (
	"net/http"
	"strings"
	"testing"
)

// What a page can make a browser send is refused wherever it would read or
// change something: a page of another origin by its origin, one that makes its
// own name mean loopback by its name.
func TestForeignPagesAreRefused(t *testing.T) {
	h := startHub(t)
	s := h.subscribe("topic=orders", "")
	port := h.public[strings.LastIndexByte(h.public, ':'):]
	adminPort := h.admin[strings.LastIndexByte(h.admin, ':'):]
	const events = "/v1/topics/orders/events"
	for _, row := range []struct {
		name, method, url string
		header            header
		problem           string
	}{
		{"publish from another origin", "POST", h.public + events, header{"Origin": "http://evil.example"}, "cross-origin"},
		{"publish from another port", "POST", h.public + events, header{"Origin": "http://127.0.0.1:1"}, "cross-origin"},
		{"publish from another site", "POST", h.public + events, header{"Sec-Fetch-Site": "cross-site"}, "cross-origin"},
		{"publish from a sandbox", "POST", h.public + events, header{"Origin": "null"}, "cross-origin"},
		{"preflight from another origin", "OPTIONS", h.public + events, header{"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}, "cross-origin"},
		{"drain from another origin", "POST", h.admin + "/v1/drain", header{"Origin": "http://evil.example"}, "cross-origin"},
		{"drain from the public page", "POST", h.admin + "/v1/drain", header{"Origin": h.public}, "cross-origin"},
		{"drain from another site", "POST", h.admin + "/v1/drain", header{"Sec-Fetch-Site": "same-site"}, "cross-origin"},
		{"disconnect from another origin", "DELETE", h.admin + "/v1/connections/x", header{"Origin": "http://evil.example"}, "cross-origin"},
		{"rebound publish", "POST", h.public + events, header{"Host": "evil.example" + port, "Origin": "http://evil.example" + port}, "host-not-allowed"},
		{"rebound subscription", "GET", h.public + "/v1/events?topic=orders", header{"Host": "evil.example" + port}, "host-not-allowed"},
		{"rebound page", "GET", h.public + "/", header{"Host": "evil.example" + port}, "host-not-allowed"},
		{"rebound drain", "POST", h.admin + "/v1/drain", header{"Host": "evil.example" + adminPort, "Origin": "http://evil.example" + adminPort}, "host-not-allowed"},
		{"rebound list", "GET", h.admin + "/v1/topics", header{"Host": "evil.example" + adminPort}, "host-not-allowed"},
		{"rebound metrics", "GET", h.admin + "/metrics", header{"Host": "evil.example" + adminPort}, "host-not-allowed"},
		{"rebound profile", "GET", h.admin + "/debug/pprof/heap", header{"Host": "evil.example" + adminPort}, "host-not-allowed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r, err := http.NewRequest(row.method, row.url, nil)
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range row.header {
				r.Header.Set(name, value)
			}
			r.Host = row.header["Host"]
			checkProblem(t, r, 403, row.problem)
		})
	}
	for _, origin := range []string{h.public, ""} { // the hub's own page, and no page at all
		r := header{"Sec-Fetch-Site": "same-origin", "Origin": origin}
		if origin == "" {
			r = header{}
		}
		s.expect(publish(t, h, "", r, "of our own"))
	}
	if status, _ := get(t, h.admin+"/readyz"); status != 200 {
		t.Errorf("the hub drains: %d", status)
	}
}

// Each listener trusts what its setting names, and no more: pages of
// --cors-origin are clients, and not operators.
func TestAllowedNamesAndOrigins(t *testing.T) {
	const page = "https://app.example"
	h := startHub(t, "--allowed-host", "hub.example", "--cors-origin", page)
	for _, base := range []string{h.public, h.admin} {
		if answer, _ := ask(t, http.DefaultClient, "GET", base+"/", "", header{"Host": "hub.example"}); answer.StatusCode != 200 {
			t.Errorf("by an allowed name: %s", answer.Status)
		}
		if answer, _ := ask(t, http.DefaultClient, "GET", base+"/", "", header{"Host": "other.example"}); answer.StatusCode != 403 {
			t.Errorf("by another name: %s", answer.Status)
		}
	}
	publish(t, h, "", header{"Origin": page, "Sec-Fetch-Site": "cross-site"}, "from a page that may")
	r, err := http.NewRequest("POST", h.admin+"/v1/drain", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", page)
	checkProblem(t, r, 403, "cross-origin")

	// With a token, the name is no matter: a page does not have it.
	guarded := startHub(t, "--admin-token-file", tokenFile(t))
	if answer, _ := ask(t, http.DefaultClient, "GET", guarded.admin+"/metrics", "", header{"Host": "hub:8081"}); answer.StatusCode != 200 {
		t.Errorf("metrics by a name: %s", answer.Status)
	}
	if answer, _ := ask(t, http.DefaultClient, "GET", guarded.admin+"/v1/topics", "", header{"Host": "hub:8081"}); answer.StatusCode != 401 {
		t.Errorf("topics by a name, without the token: %s", answer.Status)
	}
}

// A stream's socket is taken over from net/http: its head has the headers of
// CORS all the same, as do refusals.
func TestStreamsAreShared(t *testing.T) {
	h := startHub(t, "--cors-origin", "https://app.example")
	for query, status := range map[string]int{"?topic=orders": 200, "?topic=": 400} {
		for origin, want := range map[string]string{"https://app.example": "https://app.example", "https://evil.example": "", "": ""} {
			r, err := http.NewRequest("GET", h.public+"/v1/events"+query, nil)
			if err != nil {
				t.Fatal(err)
			}
			if origin != "" {
				r.Header.Set("Origin", origin)
			}
			answer, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			got := answer.Header
			if answer.StatusCode != status || got.Get("Access-Control-Allow-Origin") != want || got.Get("Vary") != "Origin" || got.Get("X-Trace-Id") == "" {
				t.Errorf("%s from %q: %s %v", query, origin, answer.Status, got)
			}
			if exposed := got.Get("Access-Control-Expose-Headers"); strings.Contains(exposed, "X-Trace-Id, Retry-After, Last-Event-ID") != (want != "") {
				t.Errorf("%s from %q exposes %q", query, origin, exposed)
			}
			if status == 200 && got.Get("Content-Type") != "text/event-stream; charset=utf-8" {
				t.Errorf("not a stream: %v", got)
			}
		}
	}
}
