package main

import (
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/sluice-stream/sluice/services/hub/internal/browsertest"
)

// A native EventSource that says on_reject=retry is told that there is no
// room, and why, and comes back by itself once there is. One that doesn't is
// lost: the browser gives up on a 429, which is what the console is spared by
// reading streams itself (TestConsoleTooMany).
func TestRejectedEventSourceComesBack(t *testing.T) {
	t.Parallel()
	h := startHub(t, "--max-connections", "1")
	first := h.subscribe("topic=orders", "")
	tab := browsertest.Open(t)
	if err := chromedp.Do(tab, chromedp.Navigate(h.public+"/favicon.svg")); err != nil {
		t.Fatal(err)
	}
	p := &page{t, tab, []string{"orders"}}
	p.must(`
		var rejected = [], got = [];
		var patient = new EventSource("/v1/events?topic=orders&on_reject=retry&last_event_id=0");
		patient.addEventListener("stream.rejected", e => rejected.push(JSON.parse(e.data)));
		patient.onmessage = e => got.push(e.data);
		var plain = new EventSource("/v1/events?topic=orders");
		true`)
	await(t, "both are refused", func() bool {
		return p.eval(`rejected.length > 0 && plain.readyState === EventSource.CLOSED`)
	})
	p.must(`rejected[0].status === 429 && !rejected[0].permanent && rejected[0].type.endsWith(":connection-limit")`)
	p.must(`patient.readyState === EventSource.CONNECTING && plain.readyState === EventSource.CLOSED`)
	publish(t, h, "", nil, "meanwhile")
	first.close()
	await(t, "the patient one has what it missed", func() bool { return p.eval(`got.length === 1 && got[0] === "meanwhile"`) })
	p.must(`plain.readyState === EventSource.CLOSED`)
}
