package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/sluice-stream/sluice/services/hub/internal/browsertest"
)

// attempts are what a page tries: each is a status, what it read, "opaque"
// where it may not know, or "blocked".
type attempts struct {
	Publish     string // as a form could
	Blind       string // the same without wanting the answer
	Preflighted string // with headers that need a preflight
	Trace       string // whether it can read X-Trace-Id
	Read        string // of a stream, by fetch
	Follow      string // of a stream, by EventSource
	Drain       string
	Blindly     string // the same without wanting the answer
	Topics      string
}

// attemptScript is what a page tries with two base URLs.
const attemptScript = `(async (hub, admin) => {
	const settle = async f => { try { return String(await f()); } catch { return "blocked"; } };
	const events = hub + "/v1/topics/orders/events", stream = hub + "/v1/events?topic=orders&last_event_id=0";
	const post = {method: "POST", body: "from a page"}, mine = {...post, credentials: "include"};
	const read = async () => {
		const ending = new AbortController(), answer = await fetch(stream, {credentials: "include", signal: ending.signal});
		if (!answer.ok) return answer.status;
		const reader = answer.body.getReader(), decoder = new TextDecoder();
		for (let text = "";;) {
			const {value, done} = await reader.read();
			if (done) return "an end";
			text += decoder.decode(value);
			if (text.includes("data: secret\n")) { ending.abort(); return "secret"; }
		}
	};
	const follow = () => new Promise(resolve => {
		const source = new EventSource(stream, {withCredentials: true});
		source.onmessage = e => { source.close(); resolve(e.data); };
		source.onerror = () => { source.close(); resolve("blocked"); };
	});
	return {
		publish: await settle(async () => (await fetch(events, mine)).status),
		blind: await settle(async () => (await fetch(events, {...post, mode: "no-cors"})).type),
		preflighted: await settle(async () => (await fetch(events, {...mine, headers: {
			"Content-Type": "application/json", "Idempotency-Key": "1", "X-Event-Type": "x", "ce-note": "1",
			traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}})).status),
		trace: await settle(async () => (await fetch(events, mine)).headers.get("X-Trace-Id").length === 32),
		read: await settle(read),
		follow: await settle(follow),
		drain: await settle(async () => (await fetch(admin + "/v1/drain", {method: "POST"})).status),
		blindly: await settle(async () => (await fetch(admin + "/v1/drain", {method: "POST", mode: "no-cors"})).type),
		topics: await settle(async () => (await fetch(admin + "/v1/topics")).status),
	};
})(%q, %q)`

// try opens an address and has its page try things.
func try(t *testing.T, tab context.Context, page, hub, admin string) attempts {
	t.Helper()
	if err := chromedp.Do(tab, chromedp.Navigate(page)); err != nil {
		t.Fatal(err)
	}
	at, err := chromedp.Run(tab, chromedp.Evaluate[string](`location.origin`))
	if err != nil || !strings.HasPrefix(page, at) {
		t.Fatalf("the page is of %s, %v; want %s", at, err, page)
	}
	got, err := chromedp.Run(tab, chromedp.Evaluate[attempts](fmt.Sprintf(attemptScript, hub, admin), chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// events returns how many a hub has of orders.
func (h *runningHub) events() int64 { return h.topics("?prefix=orders").Topics[0].Events }

// In a real browser, pages of an allowed origin use the hub with all that the
// contract has for them, and others can neither publish nor read; nobody's
// page can do what operators do.
func TestPagesOfOtherOrigins(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><title>a page</title>")
	}))
	t.Cleanup(site.Close)
	port := site.URL[strings.LastIndexByte(site.URL, ':'):]
	tab := browsertest.Open(t, chromedp.Flag("host-resolver-rules", "MAP *.example 127.0.0.1"))
	h := startHub(t, "--cors-origin", "http://app.example"+port+",http://other.example")
	publish(t, h, "", nil, "secret")

	refused := attempts{Publish: "blocked", Blind: "opaque", Preflighted: "blocked", Trace: "blocked", Read: "blocked", Follow: "blocked",
		Drain: "blocked", Blindly: "opaque", Topics: "blocked"}
	for _, page := range []string{"http://evil.example" + port + "/", "http://app.example.evil.example" + port + "/", site.URL + "/"} {
		if got := try(t, tab, page, h.public, h.admin); got != refused {
			t.Errorf("%s: %+v", page, got)
		}
	}
	if n := h.events(); n != 1 {
		t.Errorf("pages that may not have published %d events", n-1)
	}
	allowed := attempts{Publish: "201", Blind: "opaque", Preflighted: "201", Trace: "true", Read: "secret", Follow: "secret",
		Drain: "blocked", Blindly: "opaque", Topics: "blocked"}
	if got := try(t, tab, "http://app.example"+port+"/", h.public, h.admin); got != allowed {
		t.Errorf("a page that may: %+v", got)
	}
	if n := h.events(); n != 5 {
		t.Errorf("a page that may has published %d events, want 4", n-1)
	}
	if status, _ := get(t, h.admin+"/readyz"); status != 200 {
		t.Errorf("a page has drained the hub: %d", status)
	}
}

// A page that makes its own name mean this machine is of one origin with the
// hub, and is refused by its name. Where every name is allowed the same page
// succeeds, so the test would notice.
func TestPagesThatRebindTheirName(t *testing.T) {
	t.Parallel()
	tab := browsertest.Open(t, chromedp.Flag("host-resolver-rules", "MAP evil.example 127.0.0.1"))
	evil := func(base string) string { return strings.Replace(base, "127.0.0.1", "evil.example", 1) }
	rebound := func(h *runningHub) (clients, operators attempts) {
		publish(t, h, "", nil, "secret")
		clients = try(t, tab, evil(h.public)+"/", "", "")
		operators = try(t, tab, evil(h.admin)+"/v1/topics", "", "")
		return
	}

	h := startHub(t)
	clients, operators := rebound(h)
	refused := attempts{Publish: "403", Blind: "basic", Preflighted: "403", Trace: "true", Read: "403", Follow: "blocked",
		Drain: "403", Blindly: "basic", Topics: "403"}
	if clients != refused || operators != refused {
		t.Errorf("on the public listener: %+v\non the admin listener: %+v", clients, operators)
	}
	if n := h.events(); n != 1 {
		t.Errorf("the page has published %d events", n-1)
	}
	if status, _ := get(t, h.admin+"/readyz"); status != 200 {
		t.Errorf("the page has drained the hub: %d", status)
	}

	clients, operators = rebound(startHub(t, "--allowed-host", "*"))
	if clients.Publish != "201" || clients.Read != "secret" || clients.Follow != "secret" || operators.Drain != "202" {
		t.Errorf("with every name allowed: %+v, %+v", clients, operators)
	}
}
