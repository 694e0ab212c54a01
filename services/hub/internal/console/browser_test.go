package console

import (
	"context"
	"fmt"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browser is a page in a headless browser of its own, with what its console
// and its policy complained of.
type browser struct {
	t   *testing.T
	tab context.Context

	mu         sync.Mutex // guards what follows
	complaints []string
}

func openBrowser(t *testing.T) *browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		missing(t, "no browser: apt-get install chromium, or put chromium, chromium-browser or google-chrome on the PATH")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("disable-background-networking", true))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(stop)
	ctx, _ = chromedp.NewContext(ctx)
	t.Cleanup(func() { chromedp.Cancel(ctx) }) // waits for the browser's end
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800)); err != nil {
		t.Fatalf("%s does not start: %v", path, err)
	}
	b := &browser{t: t, tab: ctx}
	messages := chromedp.Console(ctx)
	go func() { // ends with the tab
		for m, err := range messages {
			if err != nil {
				return
			}
			// Refusals and a hub that is away are part of the tour.
			if m.Source != "network" {
				b.mu.Lock()
				b.complaints = append(b.complaints, m.String())
				b.mu.Unlock()
			}
		}
	}()
	return b
}

// open loads an address anew and watches over its policy.
func (b *browser) open(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(address))
	b.must(`document.addEventListener("securitypolicyviolation", e => console.error("policy", e.violatedDirective, e.blockedURI, e.sample)) === undefined`)
}

// quiet checks that nothing complained.
func (b *browser) quiet() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		b.t.Errorf("the browser complains: %s", c)
	}
	b.complaints = nil
}

func (b *browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.tab, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func eval[T any](b *browser, script string, args ...any) T {
	b.t.Helper()
	v, err := chromedp.Run(b.tab, chromedp.Evaluate[T](fmt.Sprintf(script, args...), chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", fmt.Sprintf(script, args...), err)
	}
	return v
}

func (b *browser) must(script string, args ...any) {
	b.t.Helper()
	if !eval[bool](b, script, args...) {
		b.t.Errorf("%s is false", fmt.Sprintf(script, args...))
	}
}

// await waits until an expression is true.
func (b *browser) await(what, script string, args ...any) {
	b.t.Helper()
	for range 400 {
		if eval[bool](b, script, args...) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Fatalf("%s: never true: %s\nthe page says: %s", what, fmt.Sprintf(script, args...), b.text("body"))
}

func (b *browser) text(selector string) string {
	b.t.Helper()
	return eval[string](b, `document.querySelector(%q).innerText`, selector)
}

// shows waits until an element's text has some words in it.
func (b *browser) shows(selector, words string) {
	b.t.Helper()
	b.await(selector+" shows "+words, `document.querySelector(%q).innerText.includes(%q)`, selector, words)
}

func (b *browser) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(selector))
}

// fill types into a field in place of what it holds.
func (b *browser) fill(selector, value string) {
	b.t.Helper()
	b.must(`(document.querySelector(%q).value = "", true)`, selector)
	b.do(chromedp.SendKeys(selector, value))
}
