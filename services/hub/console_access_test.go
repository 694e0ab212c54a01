package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The page without a mouse: every control is reached in the order of the page,
// shows that it has the focus, and does what it is for.
func TestConsoleByKeyboard(t *testing.T) {
	t.Parallel()
	o := newConsoleTour(t, "--store", "memory")
	o.connection()
	o.one("demo", "", "one")
	o.one("demo", "", "two")
	o.shows("#summary", "2 events")
	o.must(`(document.activeElement.blur(), true)`)
	var order []string
	for range 60 {
		o.do(chromedp.KeyEvent(kb.Tab))
		at := evaluate[struct {
			Name          string
			Outline, Seen bool
		}](o.consolePage, `(e => { const s = getComputedStyle(e), r = e.getBoundingClientRect(); return {
			name: e.id || e.name || e.dataset.copy || e.ariaLabel || e.tagName,
			outline: s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2,
			seen: r.width > 0 && r.right <= innerWidth && r.bottom > 0 && r.top < innerHeight }; })(document.activeElement)`)
		if at.Name == "BODY" {
			break
		}
		if !at.Outline || !at.Seen {
			t.Errorf("%s has the focus: outline %v, in sight %v", at.Name, at.Outline, at.Seen)
		}
		order = append(order, at.Name)
	}
	want := "skip theme Remove topic demo topic BUTTON SUMMARY connect filter pause clear events topic type data key publish-button publish-command subscribe-command"
	order = slices.Compact(order) // a command that is wider than its box is reached before its button
	if got := strings.Join(order, " "); !strings.HasPrefix(got, want) {
		t.Errorf("the focus goes\n%s, want\n%s", got, want)
	}

	press := func(key string) { o.do(chromedp.KeyEvent(key)) }
	tabTo := func(selector string) {
		t.Helper()
		for range 40 {
			if press(kb.Tab); evaluate[bool](o.consolePage, `document.activeElement.matches(%q)`, selector) {
				return
			}
		}
		t.Fatalf("the focus does not get to %s", selector)
	}
	o.do(chromedp.Reload())
	o.connection()
	tabTo("#skip")
	press(kb.Enter)
	o.must(`document.activeElement.id === "events"`)
	tabTo("#publish [name=data]")
	o.do(chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	o.do(chromedp.KeyEvent("typed"), chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierCtrl)))
	o.shows("#answer", "201 · stored as")
	o.await("the event", inSight+`.length === 1 && `+inSight+`[0].querySelector(".data").textContent.includes("typed")`)
	o.do(chromedp.Focus("#events"))
	press(kb.ArrowUp)
	o.shows("#details-data", "typed")
	press(kb.Escape)
	o.must(`document.querySelector("#details").hidden && document.activeElement.id === "events"`)
	o.quiet()
}

// What assistive technology is told: every control has a name, and of what
// moves only changes of state are said.
func TestConsoleIsAccessible(t *testing.T) {
	t.Parallel()
	o := newConsoleTour(t, "--store", "memory")
	o.connection()
	o.feed("demo", "row", 3)
	o.shows("#summary", "3 events")
	o.await("rows", inSight+`.length === 3`)
	o.must(`(` + inSight + `[0].click(), document.querySelector("#access-open").click(), document.querySelector("#options").open = true)`)
	o.await("the details", `!document.querySelector("#details").hidden`)

	tree, err := chromedp.Call(o.tab, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		t.Fatal(err)
	}
	named := []string{"button", "textbox", "searchbox", "combobox", "listbox", "option", "link", "region", "complementary", "table", "img", "image"}
	found := map[string]int{}
	for _, n := range tree.Nodes {
		if n.Ignored || n.Role == nil {
			continue
		}
		role := axText(n.Role)
		found[role]++
		if slices.Contains(named, role) && axText(n.Name) == "" {
			t.Errorf("a %s has no name: %v", role, n.BackendDOMNodeID)
		}
	}
	for role, least := range map[string]int{"button": 8, "textbox": 5, "searchbox": 1, "combobox": 2, "listbox": 1, "option": 3, "region": 6, "heading": 7, "main": 1, "complementary": 1} {
		if found[role] < least {
			t.Errorf("%d of the role %s, want %d or more: %v", found[role], role, least, found)
		}
	}
	// The list and the figures are not said: only what goes wrong with what
	// was typed, the answer to a publish, and changes of state.
	o.must(`[...document.querySelectorAll("[aria-live], [role=alert], [role=status], [role=log], [role=timer]")].map(e => e.id).join() === "start-wrong,topic-wrong,answer,announcements"`)
	// Headings go down by one level at a time.
	o.must(`[...document.querySelectorAll("h1, h2, h3")].every((h, i, all) => i === 0 ? h.tagName === "H1" : h.tagName[1] - all[i - 1].tagName[1] <= 1)`)
	o.quiet()
}

// axText is a string of the accessibility tree.
func axText(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	return strings.Trim(string(v.Value), `"`)
}

// contrasts finds text whose contrast with what is behind it is below WCAG
// 2.2's AA (1.4.3), and on a phone what is too small to be hit.
const contrasts = `(() => {
	const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
	const rgba = color => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
	const light = ([r, g, b]) => [r, g, b].map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = e => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255, 255]; };
	const wrong = [];
	for (const e of document.querySelectorAll("body *")) {
		const own = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || e.matches("input, textarea, select");
		if (!own || !e.checkVisibility() || e.closest(".unseen, .skip, option, noscript") || e.disabled) continue;
		const colors = [getComputedStyle(e).color, ...(e.placeholder ? [getComputedStyle(e, "::placeholder").color] : [])];
		let opacity = 1;
		for (let at = e; at; at = at.parentElement) opacity *= getComputedStyle(at).opacity;
		const ground = behind(e);
		for (const color of colors) {
			const ink = rgba(color).map((v, i) => v * opacity + ground[i] * (1 - opacity));
			const [a, b] = [light(ink), light(ground)].sort((a, b) => b - a);
			const ratio = (a + 0.05) / (b + 0.05);
			if (ratio < 4.5) wrong.push((e.id || e.className || e.tagName) + " " + ratio.toFixed(2) + " " + e.textContent.slice(0, 20));
		}
	}
	if (innerWidth < 960) for (const e of document.querySelectorAll("button, input, select, textarea, summary")) {
		const r = e.getBoundingClientRect();
		if (e.checkVisibility() && (r.height < 40 || r.width < 40)) wrong.push((e.id || e.name || e.textContent) + " is " + Math.round(r.width) + " by " + Math.round(r.height));
	}
	return wrong;
})()`

// Each state can be read in both themes, and hit with a finger.
func TestConsoleIsReadable(t *testing.T) {
	t.Parallel()
	o := newConsoleTour(t, "--store", "memory", "--retention-events", "10")
	o.connection()
	check := o.readable
	check("empty")
	o.feed("demo", strings.Repeat("long.type.", 12), 3)
	o.one(strings.Repeat("t", 128), "", "x")
	o.must(`(location.hash = "#topics=demo,%s", true)`, strings.Repeat("t", 128))
	o.shows("#outcomes", "ttt")
	o.feed("demo", "row", 5)
	o.await("rows", inSight+`.length >= 5`)
	o.must(`(%s[0].click(), document.querySelector("#options").open = true)`, inSight)
	check("live")
	o.must(`(document.querySelector("#options").open = false, document.querySelector("#pause").click(), true)`)
	o.click("#connect")
	o.feed("demo", "lost", 100)
	await(t, "retention", func() bool {
		_, text := ask(t, http.DefaultClient, "GET", "http://"+o.hub.admin+"/v1/topics?prefix=demo", "", nil)
		return strings.Contains(text, `"events":10,`)
	})
	o.click("#connect")
	o.shows("#gaps", "missing")
	check("gap")
	o.hub.kill()
	o.shows("#state-text", "Retrying in")
	o.click("#publish-button")
	o.shows("#answer", "cannot be reached")
	o.await("old figures", `document.querySelector("#figures").classList.contains("stale")`)
	check("retrying")
	o.click("#connect")
	o.shows("#state-text", "Closed")
	check("closed")
	o.quiet(away...)
}
