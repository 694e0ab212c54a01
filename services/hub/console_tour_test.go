package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// consoleTour is a visitor's way through the page of a hub that is well.
type consoleTour struct {
	*consolePage
	hub     *hubProcess
	batches int // published so far
}

func newConsoleTour(t *testing.T, settings ...string) *consoleTour {
	t.Helper()
	hub := newHubProcess(t, settings...)
	return &consoleTour{consolePage: openConsole(t, hub.url("/")), hub: hub}
}

func TestConsoleTour(t *testing.T) {
	t.Parallel()
	o := newConsoleTour(t, "--store", "memory", "--heartbeat-interval", "300ms", "--node", "north", "--release", "canary")
	o.part("empty", o.empty)
	o.part("publish", o.publish)
	o.part("markup is text", o.markup)
	o.part("details and keys", o.keys)
	o.part("filter and pause", o.pause)
	o.part("topics", o.topics)
	o.part("figures and heartbeats", o.figures)
	o.part("layouts", o.layouts)
	o.part("start elsewhere", o.start)
}

func (o *consoleTour) empty() {
	o.shows("#state-text", "Open")
	o.shows("#empty", "Nothing on demo yet")
	o.shows("#empty-command", "curl -d hello "+o.hub.url("/v1/topics/demo/events"))
	o.shows("#outcomes", "live")
	o.shows("#fact-node", "north · canary")
	if trace := o.text("#fact-trace"); !traceID.MatchString(trace) {
		o.t.Errorf("the trace is %q", trace)
	}
}

func (o *consoleTour) publish() {
	o.click("#first")
	o.shows("#answer", "201 · stored as ")
	o.await("the first event", inSight+`.length === 1`)
	o.must(inSight + `[0].innerText.includes("hello") && document.querySelector("#empty").hidden`)

	o.fill("#publish [name=type]", "order.created")
	o.fill("#publish [name=key]", "k 1")
	o.fill("#publish textarea", `{"it's": 12345678901234567890}`)
	o.shows("#publish-command", `curl -d '{"it'\''s": 12345678901234567890}' 'http://`)
	o.shows("#publish-command", `/v1/topics/demo/events?type=order.created&key=k+1'`)
	o.click("#publish-button")
	o.await("the second event", inSight+`.length === 2`)
	o.must(inSight + `[1].querySelector(".type").textContent === "order.created"`)
	o.click("#publish-button") // the same again is another event: each submit has a key of its own
	o.await("the third event", inSight+`.length === 3`)
	o.quiet()

	o.fill("#publish [name=type]", "open")
	o.click("#publish-button")
	o.shows("#answer", "400 · Invalid event type — a type is 1 to 128")
	o.shows("#answer", "trace ")
	o.quiet("status of 400")
	o.fill("#publish [name=topic]", ".bad")
	o.click("#publish-button")
	o.shows("#answer", "does not start with a dot")
	o.fill("#publish [name=type]", "x")
	o.fill("#publish [name=topic]", "elsewhere")
	o.click("#publish-button")
	o.shows("#watch", "Watch elsewhere")
	o.must(inSight + `.length === 3`) // another topic's
	o.fill("#publish [name=topic]", "demo")
	o.clear()
}

func (o *consoleTour) markup() {
	const markup = `<img src=x onerror="window.harmed=1"></pre><script>window.harmed=1</script><b id=injected>b</b>`
	// Turned around, without width, blank, broken over lines, astral.
	const tricks = "\u202egnp.exe\u202c \u2066\u200b\ufeff\u0000\u0085\u2028\r\n\t\U0001f469\u200d\U0001f680 \ufdfd z\u0351\u0352\u0357"
	large := `{"html":"` + strings.Repeat(strings.ReplaceAll(markup, `"`, `\"`), 200<<10/len(markup)) + `"}`
	o.one("demo", "<i>type</i>", markup)
	o.one("demo", "", tricks)
	o.one("demo", strings.Repeat("x", 128), large)
	o.await("the events", inSight+`.length === 3`)
	o.must(inSight+`[0].querySelector(".data").textContent === %q && `+inSight+`[0].querySelector(".type").textContent === "<i>type</i>"`, markup)
	for i, data := range []string{"<img src=x", "gnp.exe", "<img src=x"} {
		o.must(`(`+inSight+`[%d].click(), true)`, i)
		o.shows("#details-data", data)
		o.must(`document.documentElement.scrollWidth <= innerWidth`)
	}
	o.must(`document.querySelector("#details-data").textContent.length > 200_000`)
	o.must(`!document.querySelector("#injected, .row img, .row b, .row i, #details img, #details b, #details i, #details script") && !window.harmed`)
	o.must(inSight + `.every(r => r.getBoundingClientRect().height === 27)`)
	o.click("#details-close")
	o.clear()
}

func (o *consoleTour) keys() {
	o.one("demo", "", "hello")
	o.one("demo", "order.created", `{"it's": 12345678901234567890}`)
	o.one("demo", "last", "x")
	o.await("the events", inSight+`.length === 3`)
	key := func(k string) { o.do(chromedp.SendKeys("#events", k)) }
	key(kb.Home)
	o.shows("#details-data", "hello")
	o.must(`document.getElementById(document.querySelector("#events").getAttribute("aria-activedescendant")).getAttribute("aria-selected") === "true"`)
	key(kb.ArrowDown)
	o.shows("#details-type", "order.created")
	o.must(`document.querySelector("#details-data").textContent === '{\n  "it\'s": 12345678901234567890\n}'`)
	o.must(`document.querySelector("#details-facts").innerText.includes("30 B")`)
	key(kb.End)
	o.shows("#details-type", "last")
	key(kb.Escape)
	o.must(`document.querySelector("#details").hidden`)
	key(" ")
	o.shows("#pause", "Resume")
	key(" ")
	o.shows("#pause", "Pause")
	o.clear()
}

func (o *consoleTour) pause() {
	o.feed("demo", "tick", 10)
	o.one("demo", "order.created", "of interest")
	o.shows("#summary", "11 events")
	o.fill("#filter", "ORDER.cre")
	o.await("one is left", inSight+`.length === 1`)
	o.shows("#summary", "1 match")
	o.fill("#filter", "nowhere to be found")
	o.shows("#empty", "No event matches")
	o.fill("#filter", `"tick":7`)
	o.await("data is looked at", inSight+`.length === 1 && `+inSight+`[0].innerText.includes('{"tick":7}')`)
	o.fill("#filter", "")
	o.await("all are back", inSight+`.length === 11`)

	o.click("#pause")
	o.must(`document.querySelector("#pause").getAttribute("aria-pressed") === "true"`)
	o.feed("demo", "tick", 100)
	o.shows("#summary", "paused, 100 arrived meanwhile")
	o.must(inSight + `.length === 11`)
	o.click("#pause")
	o.await("the newest is in sight", inSight+`.at(-1).innerText.includes('{"tick":99}')`)

	// Reading further up holds still while more arrives.
	o.must(`(document.querySelector("#events").scrollTop = 0, true)`)
	o.await("the oldest is in sight", inSight+`[0].innerText.includes('{"tick":0}') && !document.querySelector("#jump").hidden`)
	o.feed("demo", "tick", 50)
	o.shows("#summary", "161 events")
	o.must(`document.querySelector("#events").scrollTop === 0`)
	o.click("#jump")
	o.await("the newest is in sight", inSight+`.some(r => r.innerText.includes('{"tick":49}')) && document.querySelector("#jump").hidden`)
	o.clear()
}

func (o *consoleTour) topics() {
	o.fill("#topic", "orders, payments")
	o.do(chromedp.SendKeys("#topic", kb.Enter))
	o.shows("#outcomes", "payments")
	o.await("the stream is open", `document.body.dataset.state === "open"`)
	o.must(`location.hash === "#topics=demo,orders,payments"`)
	o.fill("#topic", "bad name!")
	o.do(chromedp.SendKeys("#topic", kb.Enter))
	o.shows("#topic-wrong", "is no topic")
	o.fill("#topic", "")
	o.feed("payments", "paid", 1)
	o.await("an event of another topic", inSight+`.length === 1 && `+inSight+`[0].querySelector(".topic").textContent === "payments"`)

	o.do(chromedp.Reload())
	o.shows("#outcomes", "payments")
	o.must(`document.querySelectorAll(".chip").length === 3`)
	o.click(`[aria-label="Remove topic payments"]`)
	o.await("it is gone", `!document.querySelector("#outcomes").innerText.includes("payments") && document.body.dataset.state === "open"`)
	o.shows("#subscribe-command", "/v1/events?topic=demo&topic=orders")
}

// figures are the hub's own, each second, and comments where it is silent.
func (o *consoleTour) figures() {
	o.await("its own connection", `document.querySelector("[data-figure=connections] .number").textContent === "1"`)
	const chart = `document.querySelector("[data-figure=publishes_per_s] .line").getAttribute("d")`
	was := evaluate[string](o.consolePage, chart)
	o.feed("demo", "counted", 40)
	o.await("they move", chart+` !== %q && document.querySelector("[data-figure=publishes_per_s] svg").getAttribute("aria-label").includes("most") && !document.querySelector("[data-figure=publishes_per_s] svg").getAttribute("aria-label").includes("most 0,")`, was)
	o.await("every chart", `document.querySelectorAll("#figures path[d]").length === 12`)
	o.shows("#figures-more", "topics")
	o.shows("#figures-more", "goroutines")
	o.shows("#figures-node", "north · canary")
	o.await("they are fresh", `!document.querySelector("#figures").classList.contains("stale") && document.querySelector("#figures-note").textContent === "the last two minutes"`)
	o.await("a heartbeat", `/^[0-9.]+ s ago · comment after 0.3 s of silence$/.test(document.querySelector("#fact-heartbeat").innerText)`)
	o.must(`!document.querySelector("#events").innerText.includes("memory_bytes")`)
	o.clear()
}

// layouts turns from a desk to a phone and back. What is in sight stays in
// sight, and nothing is wider than the window.
func (o *consoleTour) layouts() {
	o.feed("demo", "row", 200)
	o.shows("#summary", "200 events")
	whole := `(r => { const p = document.querySelector("#events").getBoundingClientRect(), q = r?.getBoundingClientRect(); return q && q.top >= p.top - 1 && q.bottom <= p.bottom + 1; })`
	sizes := []struct{ width, height int64 }{{390, 844}, {390, 500}, {320, 568}, {1280, 800}, {960, 600}, {1280, 800}}
	for _, chosen := range []bool{false, true} {
		if chosen {
			o.must(`(` + inSight + `.find(r => r.innerText.includes('{"row":198}')).click(), true)`)
		}
		for _, size := range sizes {
			o.do(chromedp.EmulateViewport(size.width, size.height))
			if chosen {
				o.await("the chosen row is in sight", `%s(document.querySelector("[aria-selected=true]"))`, whole)
			} else {
				o.await("the newest row is in sight", `%s(%s.find(r => r.innerText.includes('{"row":199}')))`, whole, inSight)
			}
			time.Sleep(100 * time.Millisecond)
			o.must(`document.documentElement.scrollWidth <= innerWidth && document.body.dataset.state === "open"`)
			o.must(`document.querySelector("#jump").hidden === %v`, !chosen)
		}
	}
	o.do(chromedp.Focus("#events"), chromedp.KeyEvent(kb.Escape))
	o.clear()
}

func (o *consoleTour) start() {
	o.click("#connect")
	o.shows("#state-text", "Closed")
	o.must(`document.querySelector("#trouble").hidden`)
	want := o.feed("orders", "kept", 3)
	o.click("#connect")
	o.await("it goes on where it left off", inSight+`.length === 3`)
	if got := o.listed(); !slices.Equal(got, want) {
		o.t.Errorf("after it was connected again: %v", got)
	}
	o.clear()
	for range 15 {
		o.feed("orders", "past", 1000)
	}
	o.shows("#summary", "15,000 events")
	o.clear()
	o.click("#options summary")
	o.must(`(document.querySelector("#start").value = "0", true)`)
	o.click("#options-form button")
	o.shows("#outcomes", "replay")
	o.await("everything kept", `parseInt(document.querySelector("#summary").innerText.replace(",", "")) > 15000`)
	o.must(`!document.querySelector("#options").open`)
	o.must(`(document.querySelector("#start").value = "id", document.querySelector("#start").dispatchEvent(new Event("change")), true)`)
	o.click("#options summary")
	o.fill("#start-id", "17-0")
	o.click("#options-form button")
	o.shows("#start-wrong", "topic@id")
}
