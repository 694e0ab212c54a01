package main

import (
	"regexp"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/sluice-stream/sluice/services/hub/internal/browsertest"
	"github.com/sluice-stream/sluice/services/stacktest/readmes"
)

// The way to go on when a token ends that the hub's README has, in a real
// browser: whatever was published meanwhile arrives, once, with the token that
// the page has renewed.
func TestReadmeTokenRenewal(t *testing.T) {
	t.Parallel()
	section := readmes.Get(t, "services/hub/README.md").Section(t, "Browsers, libraries, proxies")
	example := regexp.MustCompile("(?s)```js\n(let orders;\n.*?)```").FindStringSubmatch(section)
	if example == nil {
		t.Fatal("the README has no such example")
	}
	secret, mint := newMinter(t)
	good := mint("--for", "1h")
	h := startHub(t, "--jwt-secret-file", secret)
	tab := browsertest.Open(t)
	if err := chromedp.Do(tab, chromedp.Navigate(h.public+"/favicon.svg")); err != nil {
		t.Fatal(err)
	}
	p := &page{t, tab, []string{"orders"}}
	send := func(data string) {
		t.Helper()
		publish(t, h, "?type=order.created", header{"Authorization": "Bearer " + good}, data)
	}
	// It begins without a token, as a page does that slept through its end.
	p.must(`
		var got = [], go, tokens = [%q, %q];
		console.log = (id, data) => got.push(data);
		var renew = () => new Promise(resolve => go = () => {
			document.cookie = "sluice_token=" + tokens.shift() + "; Path=/";
			go = undefined;
			resolve();
		});
		true`, mint("--for", "8s"), good)
	p.must("(() => { %s; window.stream = () => orders; return true; })()", example[1])
	await(t, "it is refused", func() bool { return p.eval(`go !== undefined`) })
	p.must(`stream().readyState === EventSource.CLOSED && (go(), true)`)
	await(t, "the stream is open", func() bool { return p.eval(`stream().readyState === EventSource.OPEN`) })
	send("one")
	await(t, "it arrives", func() bool { return p.eval(`got.length === 1`) })
	await(t, "the token has ended", func() bool { return p.eval(`go !== undefined`) })
	send("two")
	p.must(`stream().readyState === EventSource.CLOSED && (go(), true)`)
	await(t, "what came meanwhile arrives", func() bool { return p.eval(`got.length >= 2`) })
	send("three")
	await(t, "and what comes", func() bool { return p.eval(`got.length >= 3`) })
	p.must(`JSON.stringify(got) === %q && tokens.length === 0`, `["one","two","three"]`)
}
