package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// lists checks that the page has these events, once each and in order.
func (o *consoleTour) lists(want []string) {
	o.t.Helper()
	o.await("all are there", `document.querySelector("#summary").innerText.startsWith("%d event")`, len(want))
	if got := o.listed(); !slices.Equal(got, want) {
		o.t.Errorf("the page lists %d events, want %d: %.300v", len(got), len(want), got)
	}
}

// A hub that is killed in the middle of publishing and started again: the
// page says so, comes back by itself, and has every event once.
func TestConsoleKill(t *testing.T) {
	t.Parallel()
	o := newConsoleTour(t, "--store", "disk", "--data", t.TempDir())
	o.shows("#state-text", "Open")
	var want []string
	for range 2 {
		was := o.connection()
		want = append(want, o.feed("demo", "before", 100)...)
		o.hub.kill()
		o.shows("#trouble", "Network: the ")
		o.shows("#state-text", "Retrying in")
		o.must(`document.body.dataset.state === "retrying" && !document.querySelector("#retry").hidden`)
		o.must(`document.querySelector("#announcements").textContent === "Connection lost: network. Trying again."`)
		o.hub.start()
		want = append(want, o.feed("demo", "after", 100)...)
		o.await("it comes back by itself", `document.body.dataset.state === "open" && document.querySelector("#fact-connection").innerText !== %q`, was)
		o.must(`document.querySelector("#trouble").hidden && document.querySelector("#gaps").hidden`)
		// live where it came back before the first event of the new hub was published.
		o.await("it says how it resumed", `/replay|live/.test(document.querySelector("#outcomes").innerText)`)
		o.shows("#fact-reconnects", "network ×")
		o.lists(want)
	}
	o.await("figures again", `!document.querySelector("#figures").classList.contains("stale")`)
	o.quiet(away...)
}

// An operator ends the page's stream: it resumes.
func TestConsoleResume(t *testing.T) {
	t.Parallel()
	o := newConsoleTour(t, "--store", "memory")
	o.shows("#state-text", "Open")
	want := o.feed("demo", "before", 3)
	o.shows("#summary", "3 events")
	was := o.connection()
	o.admin("DELETE", "/v1/connections/"+was, 204)
	o.await("it notices", `document.body.dataset.state !== "open"`)
	o.shows("#trouble", "Server ended")
	want = append(want, o.feed("demo", "during", 3)...)
	o.await("another connection", `document.body.dataset.state === "open" && document.querySelector("#fact-connection").innerText !== %q`, was)
	want = append(want, o.feed("demo", "after", 2)...)
	o.lists(want)
	o.shows("#fact-reconnects", "1 · server ended ×1")
	o.must(`document.querySelector("#gaps").hidden`)
	o.quiet()
}

// A page that was away for longer than the hub keeps events is told so, and
// so is one whose hub has lost what the page has.
func TestConsoleGap(t *testing.T) {
	t.Parallel()
	const kept = 100
	hub := newHubProcess(t, "--store", "memory", "--retention-events", fmt.Sprint(kept))
	way := newNetwork(t, hub.public)
	o := &consoleTour{consolePage: openConsole(t, "http://"+way.address+"/"), hub: hub}
	o.connection()
	o.feed("demo", "seen", 5)
	o.shows("#summary", "5 events")
	way.lose()
	o.shows("#trouble", "Network: the connection broke")
	all := o.feed("demo", "missed", 1000)
	await(t, "retention", func() bool {
		_, text := ask(t, http.DefaultClient, "GET", "http://"+hub.admin+"/v1/topics", "", nil)
		return strings.Contains(text, fmt.Sprintf(`"events":%d,`, kept))
	})
	way.back()
	o.shows("#gaps", "Events of demo after ")
	o.shows("#gaps", "are missing: retention took them before this page could read them")
	o.shows("#gaps", "oldest kept")
	o.shows("#outcomes", "gap")
	o.shows("#fact-gaps", "1")
	o.shows("#announcements", "Gap: ")
	o.shows("#summary", fmt.Sprint(5+kept, " events"))
	got := o.listed()
	if len(got) != 5+1+kept || !strings.HasPrefix(got[5], "Events of demo after ") || !slices.Equal(got[6:], all[len(all)-kept:]) {
		t.Errorf("around the gap the page lists %d rows, %.400v", len(got), got)
	}
	o.click("#gaps-dismiss")
	o.must(`document.querySelector("#gaps").hidden`)
	o.clear()

	hub.kill()
	hub.start()
	o.shows("#gaps", "the log is older than this page's place in it")
	o.shows("#outcomes", "ahead")
	o.feed("demo", "anew", 2)
	o.await("it goes on", inSight+`.filter(r => r.innerText.includes("anew")).length === 2`)
	o.quiet(away...)
}

// A hub that drains says so and is waited for; the page comes back to the
// next one at the same address.
func TestConsoleDrain(t *testing.T) {
	t.Parallel()
	o := newConsoleTour(t, "--store", "disk", "--data", t.TempDir(), "--drain-timeout", "3s")
	was := o.connection()
	want := o.feed("demo", "before", 3)
	o.shows("#summary", "3 events")
	o.admin("POST", "/v1/drain", 202)
	o.shows("#trouble", "Drain: the hub shuts down or moves its streams")
	o.shows("#journal", "The hub announced a drain")
	o.shows("#state-text", "Retrying in")
	o.hub.ended()
	o.hub.start()
	want = append(want, o.feed("demo", "after", 3)...)
	o.await("it comes back by itself", `document.body.dataset.state === "open" && document.querySelector("#fact-connection").innerText !== %q`, was)
	o.lists(want)
	o.shows("#fact-reconnects", "drain ×1")
	o.must(`document.querySelector("#trouble").hidden && document.querySelector("#gaps").hidden`)
	o.quiet(away...)
}

// Who comes while a hub drains is told to come back later, and does.
func TestConsoleDuringDrain(t *testing.T) {
	t.Parallel()
	const crowd = 300 // whose streams take three seconds to end
	o := newConsoleTour(t, "--store", "memory")
	o.connection()
	o.do(chromedp.Navigate("about:blank"))
	for range crowd {
		answer, err := http.Get(o.hub.url("/v1/events?topic=demo"))
		if err != nil || answer.StatusCode != http.StatusOK {
			t.Fatal(answer, err)
		}
		defer answer.Body.Close()
	}
	o.admin("POST", "/v1/drain", 202)
	awaitDrain(t, o.hub.url(""))
	o.do(chromedp.Navigate(o.hub.url("/")))
	o.shows("#trouble", "Rejected 503: the server is about to end; come back when another has taken over. The page tries again")
	o.shows("#state-text", "Retrying in")
	o.hub.ended()
	o.hub.start()
	o.connection()
	o.shows("#fact-reconnects", "rejected 503 ×1")
	o.quiet(away...)
}

// A hub that is full, for now.
func TestConsoleTooMany(t *testing.T) {
	t.Parallel()
	hub := newHubProcess(t, "--store", "memory", "--max-connections", "1")
	first, err := http.Get(hub.url("/v1/events?topic=demo"))
	if err != nil || first.StatusCode != 200 {
		t.Fatal(first, err)
	}
	defer first.Body.Close() // without a browser the test ends here
	o := &consoleTour{consolePage: openConsole(t, hub.url("/")), hub: hub}
	o.shows("#trouble", "Rejected 429: ")
	o.shows("#trouble", "Trace ")
	o.shows("#state-text", "Retrying in")
	o.must(`!document.querySelector("#retry").hidden`)
	first.Body.Close()
	o.shows("#state-text", "Open")
	o.shows("#fact-reconnects", "rejected 429 ×")
	o.must(`document.querySelector("#trouble").hidden`)
	o.lists(o.feed("demo", "room", 3))
	o.quiet("status of 429")
}

// proxied opens the page through a proxy, whose work is changed by the test.
func proxied(t *testing.T, proxy *httputil.ReverseProxy) *consoleTour {
	t.Helper()
	hub := newHubProcess(t, "--store", "memory")
	to, err := url.Parse(hub.url("/"))
	if err != nil {
		t.Fatal(err)
	}
	rewrite := proxy.Rewrite
	proxy.Rewrite = func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		if rewrite != nil {
			rewrite(r)
		}
	}
	proxy.FlushInterval = -1
	site := httptest.NewServer(proxy)
	t.Cleanup(site.Close)
	return &consoleTour{consolePage: openConsole(t, site.URL), hub: hub}
}

// An event whose answer is lost is sent again, and stored once. The browser
// may send it again too, at once, where the connection was used before.
func TestConsoleLostAnswer(t *testing.T) {
	t.Parallel()
	var began atomic.Int64
	o := proxied(t, &httputil.ReverseProxy{
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method != http.MethodPost {
				return nil
			}
			now := time.Now().UnixMilli()
			if began.CompareAndSwap(0, now); now-began.Load() < 1000 {
				return errors.New("the answer is lost")
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:     log.New(io.Discard, "", 0),
	})
	o.connection()
	o.fill("#publish textarea", "sent twice")
	o.click("#publish-button")
	o.shows("#answer", "200 · stored once as ")
	o.click("#publish-button")
	o.shows("#answer", "201 · stored as ")
	o.lists([]string{"sent twice", "sent twice"})
	o.quiet(away...)
}

// What the hub refuses for good is shown, and not asked for again.
func TestConsoleRefused(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	var misnamed atomic.Bool
	o := proxied(t, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		if r.In.URL.Path == "/v1/events" {
			asked.Add(1)
			if misnamed.Load() { // as a page does that has bound its own name to the hub
				r.Out.Host = "hub.example"
			}
		}
	}})
	o.connection()

	o.part("400", func() {
		o.click("#options summary")
		o.must(`(document.querySelector("#start").value = "id", document.querySelector("#start").dispatchEvent(new Event("change")), true)`)
		o.fill("#start-id", "99999999999999999999-0") // more than 64 bits
		o.click("#options-form button")
		o.shows("#trouble", "Rejected 400: ")
		o.closed(&asked)
		o.quiet("status of 400")
		o.click("#options summary")
		o.must(`(document.querySelector("#start").value = "", document.querySelector("#start").dispatchEvent(new Event("change")), true)`)
	})
	o.part("it can be asked again", func() {
		o.click("#options-form button")
		o.connection()
	})
	o.part("403", func() {
		misnamed.Store(true)
		o.click("#connect")
		o.click("#connect")
		o.shows("#trouble", "Rejected 403: the hub does not know itself by the name in the Host header")
		o.must(`!document.querySelector("#trouble").innerText.includes("token")`)
		o.closed(&asked)
		o.quiet("status of 403")
	})
}

// closed checks that the page says that it is closed, and stays so.
func (o *consoleTour) closed(asked *atomic.Int64) {
	o.t.Helper()
	o.shows("#state-text", "Closed")
	o.shows("#connect", "Connect")
	o.must(`document.querySelector("#retry").hidden && document.querySelector("#announcements").textContent.startsWith("Closed: rejected")`)
	before := asked.Load()
	time.Sleep(3 * time.Second) // twice the first back-off at its longest
	if n := asked.Load() - before; n > 0 {
		o.t.Errorf("%d more requests after a refusal for good", n)
	}
}
