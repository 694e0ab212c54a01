package console

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

const rows = `[...document.querySelectorAll(".row")].filter(r => !r.hidden)`

// A visitor's way through the page, in a real browser.
func TestTour(t *testing.T) {
	hub := newTestHub(t)
	b := openBrowser(t)
	b.open("http://" + hub.address + "/")

	b.shows("#state-text", "Open")
	b.shows("#empty", "Nothing on demo yet")
	b.shows("#empty-command", "curl -d hello http://"+hub.address+"/v1/topics/demo/events")
	b.shows("#outcomes", "live")
	b.shows("#fact-trace", testTrace)
	b.shows("#fact-node", "n1 · stable")
	b.shows("#figures-note", "publishes none")

	t.Run("publish", func(t *testing.T) { b.in(t, func() { publishTour(b, hub) }) })
	t.Run("markup is text", func(t *testing.T) { b.in(t, func() { markupTour(b, hub) }) })
	t.Run("details and keys", func(t *testing.T) { b.in(t, func() { keysTour(b, hub) }) })
	t.Run("filter and pause", func(t *testing.T) { b.in(t, func() { pauseTour(b, hub) }) })
	t.Run("figures", func(t *testing.T) { b.in(t, func() { figuresTour(b, hub) }) })
	t.Run("topics", func(t *testing.T) { b.in(t, func() { topicsTour(b, hub) }) })
	t.Run("a stream ends and resumes", func(t *testing.T) { b.in(t, func() { resumeTour(b, hub) }) })
	t.Run("refused, then a gap", func(t *testing.T) { b.in(t, func() { gapTour(b, hub) }) })
	t.Run("burst", func(t *testing.T) { b.in(t, func() { burstTour(b, hub) }) })
	t.Run("layouts", func(t *testing.T) { b.in(t, func() { layoutTour(b, hub) }) })
	t.Run("restart", func(t *testing.T) { b.in(t, func() { restartTour(b, hub) }) })
	t.Run("disconnect and start elsewhere", func(t *testing.T) { b.in(t, func() { startTour(b, hub) }) })
}

// in runs a part of the tour as a test of its own.
func (b *browser) in(t *testing.T, part func()) {
	outer := b.t
	defer func() { b.t = outer }()
	b.t = t
	part()
	b.quiet()
}

func publishTour(b *browser, _ *testHub) {
	b.click("#first")
	b.shows("#answer", "201 · stored as ")
	b.await("the first event", rows+`.length === 1`)
	b.must(rows + `[0].innerText.includes("hello")`)
	b.must(`document.querySelector("#empty").hidden`)

	b.fill("#publish [name=type]", "order.created")
	b.fill("#publish [name=key]", "k 1")
	b.fill("#publish textarea", `{"it's": 12345678901234567890}`)
	b.shows("#publish-command", `curl -d '{"it'\''s": 12345678901234567890}' 'http://`)
	b.shows("#publish-command", `/v1/topics/demo/events?type=order.created&key=k+1'`)
	b.click("#publish-button")
	b.await("the second event", rows+`.length === 2`)
	b.must(rows + `[1].querySelector(".type").textContent === "order.created"`)

	b.fill("#publish [name=type]", "open")
	b.click("#publish-button")
	b.shows("#answer", "400 · Invalid event type — a type is 1 to 128")
	b.must(`document.querySelector("#answer").innerText.includes(%q)`, testTrace)
	b.fill("#publish [name=topic]", ".bad")
	b.click("#publish-button")
	b.shows("#answer", "does not start with a dot")
	b.fill("#publish [name=type]", "x")
	b.fill("#publish [name=topic]", "elsewhere")
	b.do(chromedp.SendKeys("#publish textarea", "\n"+kb.Enter))
	b.click("#publish-button")
	b.shows("#watch", "Watch elsewhere")
	b.must(rows + `.length === 2`) // another topic's
	b.fill("#publish [name=topic]", "demo")
}

func markupTour(b *browser, hub *testHub) {
	const markup = `<img src=x onerror="window.harmed=1"><script>window.harmed=1</script><b id=injected>b</b>`
	for _, data := range []string{markup, `{"html":"` + strings.ReplaceAll(markup, `"`, `\"`) + `"}`} {
		if _, err := hub.append("demo", "<i>type</i>", data); err != nil {
			b.t.Fatal(err)
		}
	}
	b.await("the events", rows+`.length === 4`)
	b.must(rows+`[2].querySelector(".data").textContent === %q`, markup)
	b.must(rows + `[2].querySelector(".type").textContent === "<i>type</i>"`)
	for i := 2; i < 4; i++ {
		b.must(`(`+rows+`[%d].click(), true)`, i)
		b.shows("#details-data", "<img src=x")
	}
	b.must(`!document.querySelector("#injected, .row img, .row b, .row i, #details img, #details b, #details i") && !window.harmed`)
	b.click("#details-close")
}

func keysTour(b *browser, _ *testHub) {
	key := func(k string) { b.do(chromedp.SendKeys("#events", k)) }
	key(kb.Home)
	b.shows("#details-data", "hello")
	b.must(`document.getElementById(document.querySelector("#events").getAttribute("aria-activedescendant")).getAttribute("aria-selected") === "true"`)
	key(kb.ArrowDown)
	b.shows("#details-type", "order.created")
	b.must(`document.querySelector("#details-data").textContent === '{\n  "it\'s": 12345678901234567890\n}'`)
	b.must(`document.querySelector("#details-facts").innerText.includes("30 B")`)
	key(kb.End)
	b.shows("#details-type", "<i>type</i>")
	key(kb.Escape)
	b.must(`document.querySelector("#details").hidden`)
	key(" ")
	b.shows("#pause", "Resume")
	key(" ")
	b.shows("#pause", "Pause")
}

func pauseTour(b *browser, hub *testHub) {
	hub.feed("demo", "tick", 10)
	b.shows("#summary", "14 events")
	b.fill("#filter", "ORDER.cre")
	b.await("one is left", rows+`.length === 1`)
	b.shows("#summary", "1 match")
	b.fill("#filter", "nowhere to be found")
	b.shows("#empty", "No event matches")
	b.fill("#filter", `"n":7`)
	b.await("data is looked at", rows+`.length === 1 && `+rows+`[0].innerText.includes('{"n":7}')`)
	b.must(`(document.querySelector("#filter").value = "", document.querySelector("#filter").dispatchEvent(new Event("input")), true)`)
	b.await("all are back", rows+`.length === 14`)

	b.click("#pause")
	b.must(`document.querySelector("#pause").getAttribute("aria-pressed") === "true"`)
	hub.feed("demo", "tick", 100)
	b.shows("#summary", "paused, 100 arrived meanwhile")
	b.must(rows + `.length === 14`)
	b.click("#pause")
	b.await("the newest is in sight", rows+`.at(-1).innerText.includes('{"n":99}')`)

	// Reading further up holds still while more arrives.
	b.must(`(document.querySelector("#events").scrollTop = 0, true)`)
	b.await("the oldest is in sight", rows+`[0].innerText.includes("hello") && !document.querySelector("#jump").hidden`)
	hub.feed("demo", "tick", 50)
	b.shows("#summary", "164 events")
	b.must(`document.querySelector("#events").scrollTop === 0`)
	b.click("#jump")
	b.await("the newest is in sight", rows+`.some(r => r.innerText.includes('{"n":49}')) && document.querySelector("#jump").hidden`)
	b.click("#clear")
	b.await("nothing is left", rows+`.length === 0`)
}

func figuresTour(b *browser, hub *testHub) {
	for n := range 120 {
		hub.figures(n)
	}
	b.await("figures", `document.querySelector("[data-figure=connections] .number").textContent === "2.39 k"`)
	b.must(`document.querySelectorAll("#figures path[d]").length === 12`)
	b.must(`/last two minutes: least 1.20 k, most 2.39 k, now 2.39 k/.test(document.querySelector("[data-figure=connections] svg").getAttribute("aria-label"))`)
	b.shows("#figures-more", "4 topics · 7.83 MiB in hot tails · 0.4 stalls/s · 30 goroutines · orders 28.1/s · other 3.2/s")
	b.must(rows + `.length === 0`) // they are not listed
}

func topicsTour(b *browser, hub *testHub) {
	b.fill("#topic", "orders, payments")
	b.do(chromedp.SendKeys("#topic", kb.Enter))
	b.shows("#outcomes", "payments")
	b.await("the stream is open", `document.body.dataset.state === "open"`)
	b.must(`location.hash === "#topics=demo,orders,payments"`)
	b.fill("#topic", "bad name!")
	b.do(chromedp.SendKeys("#topic", kb.Enter))
	b.shows("#topic-wrong", "is no topic")
	hub.feed("payments", "", 1)
	b.await("an event of another topic", rows+`.length === 1 && `+rows+`[0].querySelector(".topic").textContent === "payments"`)

	b.do(chromedp.Reload())
	b.shows("#outcomes", "payments")
	b.must(`document.querySelectorAll(".chip").length === 3`)
	b.click(`[aria-label="Remove topic payments"]`)
	b.await("it is gone", `!document.querySelector("#outcomes").innerText.includes("payments") && document.body.dataset.state === "open"`)
	b.shows("#subscribe-command", "/v1/events?topic=demo&topic=orders")
}

// connection is the id of the page's stream.
func (b *browser) connection() string {
	b.await("the stream is open", `document.body.dataset.state === "open"`)
	return b.text("#fact-connection")
}

func resumeTour(b *browser, hub *testHub) {
	hub.feed("demo", "before", 3)
	b.shows("#summary", "3 events")
	was := b.connection()
	if !hub.streams.Disconnect(was) {
		b.t.Fatal("there is no such connection")
	}
	b.await("it notices", `document.body.dataset.state !== "open"`)
	hub.feed("demo", "during", 3)
	b.await("another connection", `document.body.dataset.state === "open" && document.querySelector("#fact-connection").innerText !== %q`, was)
	hub.feed("orders", "after", 2)
	b.await("all are there", rows+`.length === 8`)
	if got := eval[string](b, rows+`.map(r => r.querySelector(".type").textContent + r.querySelector(".data").textContent).join(" ")`); got != `before{"n":0} before{"n":1} before{"n":2} during{"n":0} during{"n":1} during{"n":2} after{"n":0} after{"n":1}` {
		b.t.Errorf("after the stream resumed: %s", got)
	}
	b.shows("#fact-reconnects", "1 · server ended ×1")
	b.shows("#outcomes", "replay")
	b.must(`document.querySelector("#gaps").hidden`)
}

func gapTour(b *browser, hub *testHub) {
	hub.refuse.Store(true)
	hub.streams.Disconnect(b.connection())
	b.shows("#trouble", "Rejected 429: the server holds as many streams as it may. Trace "+testTrace)
	b.shows("#state-text", "Retrying in")
	hub.lose("demo")
	hub.refuse.Store(false)
	b.click("#retry")
	b.shows("#gaps", "Events of demo after ")
	b.shows("#gaps", "are missing: retention took them")
	b.shows("#gaps", "oldest kept")
	b.shows("#outcomes", "gap")
	b.shows("#fact-gaps", "1")
	b.shows("#fact-reconnects", "rejected 429 ×1")
	b.must(`document.querySelector("#trouble").hidden`)
	b.shows("#announcements", "Gap: ")
	b.await("it reads on to the end", rows+`.some(r => r.innerText.includes('{"n":%d}'))`, 2*kept-1)
	b.click("#gaps-dismiss")
	b.must(`document.querySelector("#gaps").hidden`)
	b.click("#clear")
}

// burstTour has much more arrive than can be drawn. The page still draws its
// frames, counts everything and keeps what is newest.
func burstTour(b *browser, hub *testHub) {
	const burst = 20_000
	b.must(`(window.frames_ = 0, window.longest = 0, window.before = performance.now(), requestAnimationFrame(function tick(now) {
		frames_++; longest = Math.max(longest, now - before); before = now; requestAnimationFrame(tick);
	}), true)`)
	began := time.Now()
	for range burst / 500 { // over two seconds or so
		hub.feed("demo", "burst", 500)
		time.Sleep(50 * time.Millisecond)
	}
	b.shows("#summary", "20,000 events")
	took := time.Since(began)
	b.await("the newest is in sight", rows+`.at(-1).innerText.includes('{"n":499}')`)
	frames, longest := eval[float64](b, `frames_`), eval[float64](b, `longest`)
	b.t.Logf("%d events in %v: %v frames, the longest pause %v ms", burst, took, frames, longest)
	if frames < 20 || longest > 2000 { // on a machine that is busy with other tests
		b.t.Errorf("%v frames in %v, the longest pause %v ms", frames, took, longest)
	}
	if n := eval[int](b, `document.querySelectorAll(".row").length`); n > 80 {
		b.t.Errorf("%d rows are in the page", n)
	}
	b.must(`document.querySelector("#events-space").style.height === 27 * 1000 + "px"`)
	b.shows("#summary", "the last 1,000 are kept")
	b.click("#clear")
}

// layoutTour turns from a desk to a phone and back. What is in sight stays in
// sight, and nothing is wider than the window.
func layoutTour(b *browser, hub *testHub) {
	hub.feed("demo", "row", 200)
	b.shows("#summary", "200 events")
	inSight := `(r => { const p = document.querySelector("#events").getBoundingClientRect(), q = r?.getBoundingClientRect(); return q && q.top >= p.top - 1 && q.bottom <= p.bottom + 1; })`
	sizes := []struct{ width, height int64 }{{390, 844}, {390, 500}, {320, 568}, {1280, 800}, {960, 600}, {1280, 800}}
	for _, chosen := range []bool{false, true} {
		if chosen {
			b.must(`(` + rows + `.find(r => r.innerText.includes('{"n":198}')).click(), true)`)
		}
		for _, size := range sizes {
			b.do(chromedp.EmulateViewport(size.width, size.height))
			if chosen {
				b.await("the chosen row is in sight", `%s(document.querySelector("[aria-selected=true]"))`, inSight)
			} else {
				b.await("the newest row is in sight", `%s(%s.find(r => r.innerText.includes('{"n":199}')))`, inSight, rows)
			}
			time.Sleep(100 * time.Millisecond)
			b.must(`document.documentElement.scrollWidth <= innerWidth && document.body.dataset.state === "open"`)
			b.must(`document.querySelector("#jump").hidden === %v`, !chosen)
		}
	}
	b.do(chromedp.Focus("#events"), chromedp.KeyEvent(kb.Escape))
	b.click("#clear")
}

func restartTour(b *browser, hub *testHub) {
	hub.stop()
	b.await("it notices", `document.body.dataset.state !== "open"`)
	b.shows("#trouble", "Network: the hub cannot be reached")
	hub.start()
	b.click("#retry")
	b.shows("#gaps", "the log is older than this page's place in it")
	b.shows("#outcomes", "ahead")
	hub.feed("demo", "anew", 2)
	b.await("it goes on", rows+`.filter(r => r.innerText.includes("anew")).length === 2`)
	hub.figures(0)
	b.await("figures", `!document.querySelector("#figures").classList.contains("stale")`)
}

func startTour(b *browser, hub *testHub) {
	b.click("#clear")
	b.click("#connect")
	b.shows("#state-text", "Closed")
	b.must(`document.querySelector("#trouble").hidden`)
	hub.feed("orders", "kept", 3)
	b.click("#connect")
	b.await("it goes on where it left off", rows+`.length === 3`)
	b.click("#clear")
	b.click("#options summary")
	b.must(`(document.querySelector("#start").value = "0", true)`)
	b.click("#options-form button")
	b.await("everything kept", rows+`.length === 5`)
	b.must(`!document.querySelector("#options").open`)
	b.must(`(document.querySelector("#start").value = "id", document.querySelector("#start").dispatchEvent(new Event("change")), true)`)
	b.click("#options summary")
	b.fill("#start-id", "17-0")
	b.click("#options-form button")
	b.shows("#start-wrong", "topic@id")
}

// TestPictures takes pictures of the page where SLUICE_PICTURES says, for the
// README and for those who change its looks.
func TestPictures(t *testing.T) {
	dir := os.Getenv("SLUICE_PICTURES")
	if dir == "" {
		t.Skip("SLUICE_PICTURES is not set")
	}
	hub := newTestHub(t)
	b := openBrowser(t)
	for _, size := range []struct {
		name          string
		width, height int64
	}{{"desktop", 1280, 800}, {"phone", 390, 844}} {
		for _, theme := range []string{"light", "dark"} {
			b.do(chromedp.EmulateViewport(size.width, size.height))
			b.open("http://" + hub.address + "/#topics=demo,orders,payments")
			b.must(`(document.documentElement.dataset.theme === %[1]q || document.querySelector("#theme").click(), document.documentElement.dataset.theme === %[1]q)`, theme)
			b.shows("#state-text", "Open")
			name := func(scene string) string {
				return filepath.Join(dir, fmt.Sprintf("console-%s-%s-%s.png", size.name, theme, scene))
			}
			if theme == "light" || size.name == "phone" {
				b.picture(name("empty"), false)
			}
			hub.scene(b)
			b.picture(name("live"), size.name == "phone")
			if size.name == "phone" {
				b.picture(name("top"), false)
			}
			b.must(`(%s.at(-3).click(), true)`, rows)
			b.picture(name("details"), size.name == "phone")
			hub.refuse.Store(true)
			hub.streams.Disconnect(b.connection())
			b.shows("#trouble", "429")
			hub.lose("demo")
			b.picture(name("refused"), false)
			hub.refuse.Store(false)
			b.click("#retry")
			b.shows("#gaps", "missing")
			time.Sleep(time.Second)
			b.picture(name("gap"), false)
			b.click("#options summary")
			b.picture(name("options"), false)
		}
	}
	b.quiet()
}

// scene fills the page with what a shop might publish.
func (h *testHub) scene(b *browser) {
	h.t.Helper()
	for n := range 120 {
		h.figures(n)
	}
	for n := range 60 {
		topic, typ, data := "orders", "order.created", fmt.Sprintf(`{"order":%d,"customer":{"id":"c-%d","country":"NO"},"lines":[{"sku":"A-17","quantity":%d},{"sku":"B-4","quantity":1}],"total":%d.90,"currency":"NOK"}`, 4000+n, 100+n*7%31, 1+n%3, 90+n*37%600)
		switch n % 5 {
		case 1:
			topic, typ, data = "payments", "payment.authorized", fmt.Sprintf(`{"order":%d,"amount":%d.90,"method":"card"}`, 4000+n-1, 90+(n-1)*37%600)
		case 3:
			topic, typ, data = "demo", "", "hello"
		case 4:
			topic, typ, data = "orders", "order.packed", fmt.Sprintf(`{"order":%d,"by":"line 2"}`, 3990+n)
		}
		if _, err := h.append(topic, typ, data); err != nil {
			h.t.Fatal(err)
		}
		time.Sleep(7 * time.Millisecond)
	}
	b.shows("#summary", "60 events")
	time.Sleep(600 * time.Millisecond) // for the rate to settle
}

// picture takes what is in sight or, with full, the page down to its end.
func (b *browser) picture(name string, full bool) {
	b.t.Helper()
	if full {
		width, height := eval[int64](b, `innerWidth`), eval[int64](b, `innerHeight`)
		b.do(chromedp.EmulateViewport(width, eval[int64](b, `document.documentElement.scrollHeight`)))
		defer b.do(chromedp.EmulateViewport(width, height))
	}
	b.must(`new Promise(done => requestAnimationFrame(() => setTimeout(() => done(true), 100)))`)
	png, err := chromedp.Run(b.tab, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(name, png, 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}
