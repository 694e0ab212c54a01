package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/sluice-stream/sluice/services/hub/internal/browsertest"
)

// consolePage is the hub's page in a browser of its own, with what the
// browser's console and the page's policy complained of.
type consolePage struct {
	t   *testing.T
	tab context.Context

	mu         sync.Mutex // guards what follows
	complaints []string
}

// watchPolicy is run before the page's own scripts.
const watchPolicy = `addEventListener("securitypolicyviolation", e => console.error("policy", e.violatedDirective, e.blockedURI, e.sample), true)`

// openConsole opens the page that an address serves.
func openConsole(t *testing.T, address string) *consolePage {
	t.Helper()
	p := &consolePage{t: t, tab: browsertest.Open(t)}
	messages := chromedp.Console(p.tab)
	go func() { // ends with the tab
		for m, err := range messages {
			if err != nil {
				return
			}
			p.mu.Lock()
			p.complaints = append(p.complaints, m.String())
			p.mu.Unlock()
		}
	}()
	if _, err := chromedp.Call(p.tab, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: watchPolicy}); err != nil {
		t.Fatal(err)
	}
	p.do(chromedp.EmulateViewport(1280, 800), chromedp.Navigate(address))
	return p
}

// quiet checks that nothing complained but for the browser's own lines with
// these words.
func (p *consolePage) quiet(expected ...string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.complaints {
		if !slices.ContainsFunc(expected, func(words string) bool { return strings.Contains(c, words) }) {
			p.t.Errorf("the browser complains: %s", c)
		}
	}
	p.complaints = nil
}

// away are the browser's lines about a hub that is not there, or that left in
// the middle of an answer.
var away = []string{"net::ERR_CONNECTION_REFUSED", "net::ERR_CONNECTION_RESET", "net::ERR_EMPTY_RESPONSE", "net::ERR_INCOMPLETE_CHUNKED_ENCODING", "net::ERR_SOCKET_NOT_CONNECTED"}

// part runs a part of a tour as a test of its own.
func (p *consolePage) part(name string, run func()) {
	outer := p.t
	outer.Run(name, func(t *testing.T) {
		defer func() { p.t = outer }()
		p.t = t
		run()
		p.quiet()
	})
	if outer.Failed() {
		outer.FailNow() // what follows builds on it
	}
}

func (p *consolePage) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.tab, steps...); err != nil {
		p.t.Fatal(err)
	}
}

func evaluate[T any](p *consolePage, script string, args ...any) T {
	p.t.Helper()
	v, err := chromedp.Run(p.tab, chromedp.Evaluate[T](fmt.Sprintf(script, args...), chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", fmt.Sprintf(script, args...), err)
	}
	return v
}

func (p *consolePage) must(script string, args ...any) {
	p.t.Helper()
	if !evaluate[bool](p, script, args...) {
		p.t.Errorf("%s is false", fmt.Sprintf(script, args...))
	}
}

// await waits until an expression is true.
func (p *consolePage) await(what, script string, args ...any) {
	p.t.Helper()
	for range 600 {
		if evaluate[bool](p, script, args...) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Fatalf("%s: never true: %s\nthe page says: %s", what, fmt.Sprintf(script, args...), p.text("body"))
}

func (p *consolePage) text(selector string) string {
	p.t.Helper()
	return evaluate[string](p, `document.querySelector(%q).innerText`, selector)
}

// shows waits until an element's text has some words in it.
func (p *consolePage) shows(selector, words string) {
	p.t.Helper()
	p.await(selector+" shows "+words, `document.querySelector(%q).innerText.includes(%q)`, selector, words)
}

func (p *consolePage) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(selector))
}

// fill types into a field in place of what it holds.
func (p *consolePage) fill(selector, value string) {
	p.t.Helper()
	p.must(`(e => { e.value = ""; e.dispatchEvent(new Event("input", {bubbles: true})); return true })(document.querySelector(%q))`, selector)
	if value != "" {
		p.do(chromedp.SendKeys(selector, value))
	}
}

// inSight are the rows of the list that are drawn.
const inSight = `[...document.querySelectorAll(".row")].filter(r => !r.hidden)`

// listed returns the data of all rows, as a reader sees them who scrolls from
// the first to the last.
func (p *consolePage) listed() []string {
	p.t.Helper()
	return evaluate[[]string](p, `(async () => {
		const pane = document.querySelector("#events"), found = new Map();
		for (pane.scrollTop = 0;; pane.scrollTop += pane.clientHeight - 60) {
			await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
			for (const r of `+inSight+`) found.set(+r.getAttribute("aria-posinset"), r.querySelector(".data").textContent);
			if (pane.scrollTop + pane.clientHeight >= pane.scrollHeight - 1) break;
		}
		return [...found.keys()].sort((a, b) => a - b).map(k => found.get(k));
	})()`)
}

// clear empties the list.
func (p *consolePage) clear() {
	p.t.Helper()
	p.click("#clear")
	p.await("nothing is left", inSight+`.length === 0`)
}

// connection is the id of the page's stream.
func (p *consolePage) connection() string {
	p.t.Helper()
	p.await("the stream is open", `document.body.dataset.state === "open"`)
	return p.text("#fact-connection")
}
