package main

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"
)

// probe measures how long the page's thread is taken: a task that asks for
// the next one, and the frames that are drawn.
const probe = `(window.probe = {gaps: [], frames: 0, said: 0, on: true}, (() => {
	let before = performance.now();
	const { port1, port2 } = new MessageChannel();
	const tick = () => { if (!probe.on) return; setTimeout(() => port2.postMessage(null), 4); };
	port1.onmessage = () => { const now = performance.now(); probe.gaps.push(now - before); before = now; tick(); };
	tick();
	requestAnimationFrame(function frame() { probe.frames++; if (probe.on) requestAnimationFrame(frame); });
	const regions = document.querySelectorAll("[aria-live], [role=status], [role=alert], [role=log]");
	window.watcher = new MutationObserver(list => probe.said += list.length);
	for (const r of regions) watcher.observe(r, {childList: true, characterData: true, subtree: true});
})(), true)`

// TestConsoleBurst has much more arrive than can be drawn. The page still draws
// its frames, counts everything, keeps what is newest and does not talk.
func TestConsoleBurst(t *testing.T) {
	o := newConsoleTour(t, "--store", "memory")
	o.part("thousands a second", o.burst)
}

func (o *consoleTour) burst() {
	const seconds, each, pace = 5, 300, 100 * time.Millisecond // 3,000 a second
	o.must(probe)
	began, n := time.Now(), 0
	for due := began; due.Sub(began) < seconds*time.Second; due = due.Add(pace) {
		time.Sleep(time.Until(due))
		o.feed("demo", "burst", each)
		n += each
	}
	o.shows("#summary", fmt.Sprintf("%d,%03d events", n/1000, n%1000))
	took := time.Since(began)
	o.await("the newest is in sight", inSight+`.at(-1).innerText.includes('{"burst":%d}')`, each-1)
	found := evaluate[struct {
		Gaps         []float64
		Frames, Said int
	}](o.consolePage, `(probe.on = false, watcher.disconnect(), probe)`)
	slices.SortFunc(found.Gaps, cmp.Compare[float64])
	longest, busy := found.Gaps[len(found.Gaps)-1], found.Gaps[len(found.Gaps)*99/100]
	over := len(found.Gaps) - first(found.Gaps, 200)
	o.t.Logf("%d events in %v, %.0f a second: the page's thread was taken for %.0f ms at the longest, %.0f ms in one of a hundred, %d times for over 200 ms; %d frames",
		n, took.Round(time.Millisecond), float64(n)/took.Seconds(), longest, busy, over, found.Frames)
	// Other tests take the processor for longer than the page ever does.
	if busy > 200 || over > 3 || found.Frames < 30 {
		o.t.Errorf("the page's thread was taken for %.0f ms at the longest, %d times for over 200 ms; %d frames", longest, over, found.Frames)
	}
	if found.Said > 2 {
		o.t.Errorf("%d changes of what screen readers say", found.Said)
	}
	if rows := evaluate[int](o.consolePage, `document.querySelectorAll(".row").length`); rows > 80 {
		o.t.Errorf("%d rows are in the page", rows)
	}
	o.must(`document.querySelector("#events-space").style.height === 27 * 1000 + "px"`)
	o.shows("#summary", "the last 1,000 are kept")
	o.must(`!document.querySelector("#fact-received").innerText.includes("duplicates") && document.querySelector("#fact-reconnects").innerText === "0"`)
	o.clear()
}

// first returns where the first of sorted values over a bound is.
func first(sorted []float64, over float64) int {
	i, _ := slices.BinarySearch(sorted, over)
	return i
}
