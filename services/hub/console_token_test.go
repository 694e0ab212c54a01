package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cdpnetwork "github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// newMinter returns the file of a hub's secret, and what makes tokens with it.
func newMinter(t *testing.T) (secret string, mint func(args ...string) string) {
	secret = filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(strings.Repeat("s", 40)), 0o600); err != nil {
		t.Fatal(err)
	}
	return secret, func(args ...string) string {
		token, err := command(t, noEnv, append([]string{"token", "--jwt-secret-file", secret}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(token)
	}
}

// A hub that wants a token: the page asks for one, keeps it in the cookie, and
// subscribes, shows figures and publishes with it. It can forget it again.
func TestConsoleToken(t *testing.T) {
	t.Parallel()
	secret, mint := newMinter(t)
	good := mint()
	o := newConsoleTour(t, "--store", "memory", "--jwt-secret-file", secret)
	asks := func(why string) {
		t.Helper()
		o.shows("#trouble", "Rejected 401: ")
		o.shows("#access", why)
		o.shows("#access-help", "hub token")
	}
	enter := func(token string) {
		t.Helper()
		o.must(`(document.querySelector("#token").value = %q, true)`, token) // thousands of keys would take their time
		o.click("#access-form [type=submit]")
	}
	asks("This hub wants a token.")
	o.must(`document.querySelector("#token-forget").hidden && document.activeElement === document.body`)
	o.readable("token wanted")
	o.pictures("token")

	enter("no word") // the browser says so, and nothing is sent
	o.must(`!document.querySelector("#token").validity.valid && document.cookie === ""`)
	enter(strings.TrimRight(good, "=") + "x")
	asks("The hub does not let this token in.")
	o.readable("token refused")
	o.pictures("token-refused")
	o.quiet("status of 401")

	enter(good)
	o.connection()
	o.must(`document.querySelector("#access").hidden && document.querySelector("#token").value === ""`)
	o.await("figures", `!document.querySelector("#figures").classList.contains("stale")`)
	o.fill("#publish textarea", "let in")
	o.click("#publish-button")
	o.shows("#answer", "201 · stored as ")
	o.await("the event", inSight+`.length === 1`)
	o.shows("#publish-command", `curl -H "Authorization: Bearer $TOKEN" -d `)
	o.shows("#subscribe-command", `curl -N -H "Authorization: Bearer $TOKEN" `)
	o.checkCookie(good)

	o.do(chromedp.Reload())
	o.connection()
	o.must(`document.querySelector("#access").hidden`)
	o.click("#options summary")
	o.click("#access-open")
	o.must(`document.activeElement.id === "token"`)
	o.shows("#access", "This page has a token.")
	o.readable("token held")
	o.click("#token-forget")
	asks("This hub wants a token.")
	o.must(`document.cookie === "" && document.querySelector("#token-forget").hidden`)
	o.quiet("status of 401")

	// One that may not see what the page watches.
	enter(mint("--subscribe", "elsewhere"))
	o.shows("#trouble", "Rejected 403: ")
	o.shows("#access", "The hub does not let this token in.")
	o.quiet("status of 401", "status of 403")

	// One that is too long for a cookie holds for this page.
	var topics []string
	for n := range 200 {
		topics = append(topics, fmt.Sprintf("a-topic-of-some-length-%d", n))
	}
	enter(mint("--publish", "demo", "--subscribe", "demo,hub.stats,"+strings.Join(topics, ",")))
	o.connection()
	o.click("#publish-button")
	o.shows("#answer", "201 · stored as ")
	o.quiet("status of 401", "status of 403")

	// Nobody else gets to know it.
	secretPart := good[strings.LastIndexByte(good, '.')+1:]
	for _, l := range o.hub.out.all() {
		if strings.Contains(fmt.Sprint(l), secretPart) {
			t.Errorf("the hub logged the token: %v", l)
		}
	}
	o.must(`![location.href, document.documentElement.outerHTML, JSON.stringify({...localStorage}), JSON.stringify({...sessionStorage})].some(s => s.includes(%q))`, secretPart)
}

// A token that ends while the page watches: it asks for another at once, and
// goes on with it where the stream ended, whoever has put it there.
func TestConsoleTokenExpires(t *testing.T) {
	t.Parallel()
	secret, mint := newMinter(t)
	good := mint("--for", "1h")
	o := newConsoleTour(t, "--store", "memory", "--jwt-secret-file", secret)
	keep := func(token string) { o.must(`(document.cookie = "sluice_token=%s; Path=/", true)`, token) }
	send := func(data string) {
		t.Helper()
		if answer, text := ask(t, http.DefaultClient, "POST", o.hub.url("/v1/topics/demo/events"), data, header{"Authorization": "Bearer " + good}); answer.StatusCode != 201 {
			t.Fatalf("%s %s", answer.Status, text)
		}
	}
	o.shows("#access", "This hub wants a token.")
	keep(mint("--for", "8s")) // a page that people log in to
	o.connection()
	send("before")
	o.await("the event", inSight+`.length === 1`)
	o.shows("#access", "The token has expired: with another the stream goes on where it ended.")
	o.shows("#trouble", "Rejected 401: ")
	send("meanwhile")
	o.must(`(document.querySelector("#start").value = "0", true)`) // is for who begins, not for who goes on
	keep(good)
	o.connection()
	send("after")
	o.await("what came meanwhile and after", inSight+`.length >= 3`)
	o.must(inSight + `.length === 3`)
	o.must(`document.querySelector("#access").hidden`)
	o.quiet("status of 401")
}

// checkCookie checks how the browser keeps the token.
func (o *consoleTour) checkCookie(token string) {
	o.t.Helper()
	kept, err := chromedp.Call(o.tab, cdpnetwork.GetCookies, cdpnetwork.GetCookiesParams{})
	if err != nil {
		o.t.Fatal(err)
	}
	if len(kept.Cookies) != 1 {
		o.t.Fatalf("%d cookies", len(kept.Cookies))
	}
	c := kept.Cookies[0]
	if c.Name != "sluice_token" || c.Value != token || c.Path != "/" || c.SameSite != cdpnetwork.CookieSameSiteStrict || !c.Session || c.Secure {
		o.t.Errorf("the cookie is %+v", c)
	}
}

// readable checks the page as it is in both themes and on screens of three
// sizes.
func (o *consoleTour) readable(state string) {
	o.t.Helper()
	for _, width := range []int64{1280, 390, 320} {
		for _, theme := range []string{"light", "dark"} {
			o.do(chromedp.EmulateViewport(width, 844))
			o.must(`(document.documentElement.dataset.theme === %[1]q || document.querySelector("#theme").click(), document.documentElement.dataset.theme === %[1]q)`, theme)
			time.Sleep(150 * time.Millisecond)
			for _, wrong := range evaluate[[]string](o.consolePage, contrasts) {
				o.t.Errorf("%s at %d, %s: %s", state, width, theme, wrong)
			}
			o.must(`document.documentElement.scrollWidth <= innerWidth`)
		}
	}
	o.do(chromedp.EmulateViewport(1280, 844))
}

// pictures are taken where SLUICE_PICTURES says, for who changes the looks.
func (o *consoleTour) pictures(scene string) {
	o.t.Helper()
	dir := os.Getenv("SLUICE_PICTURES")
	if dir == "" {
		return
	}
	for _, width := range []int64{1280, 390} {
		for _, theme := range []string{"light", "dark"} {
			o.do(chromedp.EmulateViewport(width, 844))
			o.must(`(document.documentElement.dataset.theme === %[1]q || document.querySelector("#theme").click(), true)`, theme)
			o.picture(filepath.Join(dir, fmt.Sprintf("console-%d-%s-%s.png", width, theme, scene)), false)
		}
	}
	o.do(chromedp.EmulateViewport(1280, 844))
}
