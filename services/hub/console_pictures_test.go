package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestConsolePictures takes pictures of the page where SLUICE_PICTURES says:
// console.png, which the README shows and which is then made smaller by hand
// (pngquant 128 console.png), and others for those who change the page's
// looks. It takes three minutes: the charts have to fill.
func TestConsolePictures(t *testing.T) {
	dir := os.Getenv("SLUICE_PICTURES")
	if dir == "" {
		t.Skip("SLUICE_PICTURES is not set")
	}
	hub := newHubProcess(t, "--store", "disk", "--data", t.TempDir(), "--retention-events", "200", "--topic-class", "orders=orders,payments=payments")
	shop := openShop(t, hub)
	time.Sleep(100 * time.Second)
	way := newNetwork(t, hub.public)
	o := &consoleTour{consolePage: openConsole(t, "http://"+way.address+"/"), hub: hub}
	for _, size := range []struct{ width, height int64 }{{1280, 800}, {390, 844}} {
		for _, theme := range []string{"light", "dark"} {
			take := func(scene string, whole bool) {
				name := fmt.Sprintf("console-%d-%s-%s.png", size.width, theme, scene)
				if name == "console-1280-light-live.png" {
					name = "console.png"
				}
				o.picture(filepath.Join(dir, name), whole)
			}
			o.do(chromedp.EmulateViewport(size.width, size.height), chromedp.Navigate("about:blank"), chromedp.Navigate("http://"+way.address+"/"))
			o.must(`(document.documentElement.dataset.theme === %[1]q || document.querySelector("#theme").click(), document.documentElement.dataset.theme === %[1]q)`, theme)
			o.shows("#empty", "Nothing on demo yet")
			o.shows("#figures-more", "topics")
			take("empty", false)
			o.do(chromedp.Navigate("http://" + way.address + "/#topics=orders,payments,shipments"))
			o.shows("#outcomes", "shipments")
			time.Sleep(4 * time.Second)
			take("live", false)
			if size.width < 960 {
				take("whole", true)
			}
			o.must(`(%s.findLast(r => r.innerText.includes("order.created")).click(), true)`, inSight)
			take("details", size.width < 960)
			o.must(`(document.querySelector("#details-close").click(), true)`)
			way.lose()
			o.shows("#state-text", "Retrying in")
			take("retrying", false)
			for range 450 {
				shop.sell()
			}
			time.Sleep(2 * time.Second) // until retention has taken what the page lacks
			way.back()
			o.click("#retry")
			o.shows("#gaps", "missing")
			time.Sleep(2 * time.Second)
			o.must(`(async () => {
				const pane = document.querySelector("#events");
				for (pane.scrollTop = pane.scrollHeight; pane.scrollTop > 0 && !document.querySelector(".row.gap:not([hidden])"); pane.scrollTop -= 100)
					await new Promise(requestAnimationFrame);
				pane.scrollTop -= 200;
				return true;
			})()`)
			take("gap", false)
			o.click("#options summary")
			take("options", false)
		}
	}
}

// picture takes what is in sight or, with whole, the page down to its end.
func (p *consolePage) picture(name string, whole bool) {
	p.t.Helper()
	if whole {
		width, height := evaluate[int64](p, `innerWidth`), evaluate[int64](p, `innerHeight`)
		p.do(chromedp.EmulateViewport(width, evaluate[int64](p, `document.documentElement.scrollHeight`)))
		defer p.do(chromedp.EmulateViewport(width, height))
	}
	p.must(`new Promise(done => requestAnimationFrame(() => setTimeout(() => done(true), 100)))`)
	png, err := chromedp.Run(p.tab, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(name, png, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// shop publishes what a shop might, and has customers who watch.
type shop struct {
	t   *testing.T
	hub *hubProcess

	mu   sync.Mutex // guards what follows
	sold int
}

// openShop keeps a shop until the test ends.
func openShop(t *testing.T, hub *hubProcess) *shop {
	s := &shop{t: t, hub: hub}
	ctx, stop := context.WithCancel(context.Background())
	var open sync.WaitGroup
	t.Cleanup(func() { stop(); open.Wait() })
	for range 180 {
		open.Go(func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, hub.url("/v1/events?topic=orders&topic=payments"), nil)
			if err != nil {
				t.Error(err)
				return
			}
			if answer, err := http.DefaultClient.Do(r); err == nil {
				defer answer.Body.Close()
				_, _ = io.Copy(io.Discard, answer.Body) // until the end of the test
			}
		})
	}
	open.Go(func() {
		for began := time.Now(); ctx.Err() == nil; {
			s.sell()
			minutes := time.Since(began).Minutes()
			pace := 26 * (1 + 0.45*math.Sin(minutes*9) + 0.2*math.Sin(minutes*41)) // events a second
			time.Sleep(time.Duration(float64(time.Second) / pace))
		}
	})
	return s
}

// sell publishes one event.
func (s *shop) sell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.sold
	s.sold++
	topic, typ, data := "orders", "order.created", fmt.Sprintf(`{"order":%d,"customer":{"id":"c-%d","country":"NO"},"lines":[{"sku":"A-17","quantity":%d},{"sku":"B-4","quantity":1}],"total":%d.90,"currency":"NOK"}`, 4000+n, 100+n*7%31, 1+n%3, 90+n*37%600)
	switch n % 5 {
	case 1:
		topic, typ, data = "payments", "payment.authorized", fmt.Sprintf(`{"order":%d,"amount":%d.90,"method":"card"}`, 4000+n-1, 90+(n-1)*37%600)
	case 3:
		topic, typ, data = "shipments", "", "parcel "+fmt.Sprint(70_000+n)+" handed over"
	case 4:
		topic, typ, data = "orders", "order.packed", fmt.Sprintf(`{"order":%d,"by":"line 2"}`, 3990+n)
	}
	answer, err := http.Post(s.hub.url("/v1/topics/"+topic+"/events?type="+typ), "text/plain", strings.NewReader(data))
	if err != nil {
		return // the test ends
	}
	answer.Body.Close()
}
