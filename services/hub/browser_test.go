package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/sluice-stream/sluice/services/hub/internal/browsertest"
)

// Pages with a plain EventSource, in a real browser: one on the hub's own
// origin, one on another server that passes /v1/ on to the hub and follows
// two topics. The hub is killed and started again, the network is lost, and
// it goes dark; the pages come back by themselves and have everything that
// was answered 201, in order, by the ids that they saw.
func TestBrowser(t *testing.T) {
	t.Parallel()
	hub := newHubProcess(t, "--store", "disk", "--data", t.TempDir())
	site := httptest.NewServer(newSite(hub.url("/")))
	t.Cleanup(site.Close)
	ways := []*network{newNetwork(t, hub.public), newNetwork(t, strings.TrimPrefix(site.URL, "http://"))}
	first := browsertest.Open(t)
	second, closeTab := chromedp.NewContext(first)
	t.Cleanup(closeTab)
	pages := []*page{
		{t, first, []string{"orders"}},
		{t, second, []string{"orders", "payments"}},
	}
	for i, p := range pages {
		p.open("http://" + ways[i].address + "/")
	}

	feed := &browserFeed{hub: hub, ledger: newLedger([]string{"orders", "payments"}), stop: make(chan struct{})}
	var feeding sync.WaitGroup
	feeding.Go(func() { feed.run(t) })
	settle := func(what string) { // everybody is back and has what is published now
		t.Helper()
		last := feed.mark()
		for _, p := range pages {
			await(t, what, func() bool { return p.eval(`reached(%d)`, last) })
		}
	}
	failures := func(n int) {
		t.Helper()
		for _, p := range pages {
			await(t, "the page notices", func() bool { return p.eval(`errors >= %d`, n) })
			p.must(`(errors = 0, true)`)
		}
	}

	settle("the first events")
	hub.kill()
	failures(1)
	hub.start()
	settle("after the hub was killed")

	for _, n := range ways {
		n.lose()
	}
	failures(2) // the cut, and one attempt that is refused
	for _, n := range ways {
		n.back()
	}
	settle("after the network was lost")

	for _, n := range ways {
		n.darken()
	}
	feed.mark() // this much is swallowed
	for _, n := range ways {
		n.cut()
	}
	settle("after the network was dark")

	close(feed.stop)
	feeding.Wait()
	settle("the end")
	for _, p := range pages {
		p.check(feed.ledger)
	}
}

// newSite serves a page and passes the hub's paths on. While the hub is away
// it cuts the connection: a 502 would end an EventSource for good.
func newSite(hub string) http.Handler {
	to, err := url.Parse(hub)
	if err != nil {
		panic(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(to) },
		FlushInterval: -1,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:      log.New(io.Discard, "", 0), // what breaks is meant to
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/", proxy)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(w, "<!doctype html><title>orders</title>")
	})
	return mux
}

// page is a tab that follows topics.
type page struct {
	t      *testing.T
	tab    context.Context
	topics []string
}

// pageScript is what an application would write, and what it would check.
const pageScript = `
var got = [], opens = 0, errors = 0, gaps = [];
var source = new EventSource(%q);
source.onopen = () => opens++;
source.onerror = () => errors++;
source.onmessage = e => got.push([e.lastEventId, e.data]);
source.addEventListener("stream.gap", e => gaps.push(e.data));

var topics = %q.split(",");
var reached = n => topics.every(t => got.some(([, data]) => data === t + " mark " + n));

// position reads an id as [milliseconds, sequence] for each topic.
var position = id => topics.map(t => {
	const own = topics.length === 1 ? id : id.split(",").find(p => p.startsWith(t + "@")).slice(t.length + 1);
	return own.split("-").map(BigInt);
});
var compare = (a, b) => a[0] < b[0] || a[0] === b[0] && a[1] < b[1] ? -1 : a[0] === b[0] && a[1] === b[1] ? 0 : 1;

// verdict takes out duplicates by id, and tells what else is wrong.
var verdict = () => {
	const seen = new Set(), events = [], wrong = gaps.map(g => "gap: " + g);
	let last = null;
	for (const [id, data] of got) {
		if (seen.has(id)) continue;
		seen.add(id);
		const at = position(id), own = topics.indexOf(data.split(" ")[0]);
		if (last && !topics.every((_, i) => compare(at[i], last[i]) === (i === own ? 1 : 0)))
			wrong.push(id + " is out of order: " + data);
		last = at;
		events.push({topic: topics[own], id: at[own].join("-"), data});
	}
	if (source.readyState !== EventSource.OPEN) wrong.push("the stream is not open");
	return {events, wrong, opens, repeated: got.length - events.length};
};
true`

// open loads the address and begins to follow the topics from now on.
func (p *page) open(address string) {
	p.t.Helper()
	if err := chromedp.Do(p.tab, chromedp.Navigate(address)); err != nil {
		p.t.Fatal(err)
	}
	p.must(pageScript, "/v1/events?topic="+strings.Join(p.topics, "&topic="), strings.Join(p.topics, ","))
	await(p.t, "the stream opens", func() bool { return p.eval(`opens === 1`) })
}

// eval returns what an expression is in the page.
func (p *page) eval(script string, args ...any) bool {
	p.t.Helper()
	is, err := chromedp.Run(p.tab, chromedp.Evaluate[bool](fmt.Sprintf(script, args...)))
	if err != nil {
		p.t.Fatal(err)
	}
	return is
}

func (p *page) must(script string, args ...any) {
	p.t.Helper()
	if !p.eval(script, args...) {
		p.t.Fatalf("%s is false", fmt.Sprintf(script, args...))
	}
}

// verdict is what the script finds.
type verdict struct {
	Events   []struct{ Topic, ID, Data string }
	Wrong    []string
	Opens    int
	Repeated int
}

// check compares what the page has with what was published.
func (p *page) check(l *ledger) {
	p.t.Helper()
	found, err := chromedp.Run(p.tab, chromedp.Evaluate[verdict](`verdict()`))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, wrong := range found.Wrong {
		p.t.Errorf("page of %v: %s", p.topics, wrong)
	}
	if found.Opens < 4 {
		p.t.Errorf("page of %v: the stream was opened %d times only", p.topics, found.Opens)
	}
	got := map[string][]*string{}
	for _, e := range found.Events {
		at, err := positions(e.ID, []string{e.Topic})
		if err != nil {
			p.t.Fatal(err)
		}
		shared, err := l.delivered(e.Topic, at[0], e.Data)
		if err != nil {
			p.t.Error(err)
		}
		got[e.Topic] = append(got[e.Topic], shared)
	}
	for _, topic := range p.topics {
		want, errs := l.events(topic)
		for _, err := range errs {
			p.t.Error(err)
		}
		if err := same(got[topic], want); err != nil {
			p.t.Errorf("page of %v: %s: %v", p.topics, topic, err)
		}
	}
	p.t.Logf("page of %v: %d events, %d opens, %d repeated", p.topics, len(found.Events), found.Opens, found.Repeated)
}

// browserFeed publishes all along.
type browserFeed struct {
	hub    *hubProcess
	ledger *ledger
	stop   chan struct{}

	mu    sync.Mutex // held while something is published
	marks int
}

func (f *browserFeed) run(t *testing.T) {
	for n := 0; ; n++ {
		select {
		case <-f.stop:
			return
		case <-time.After(5 * time.Millisecond):
		}
		f.mu.Lock()
		for topic := range f.ledger.topics {
			f.publish(topic, fmt.Sprintf("%s event %d", topic, n))
		}
		f.mu.Unlock()
	}
}

// mark publishes an event to each topic that a page can wait for. The hub
// must be up.
func (f *browserFeed) mark() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.marks++
	for topic := range f.ledger.topics {
		if err := f.publish(topic, fmt.Sprintf("%s mark %d", topic, f.marks)); err != nil {
			f.hub.t.Errorf("publish failed: %v", err)
		}
	}
	return f.marks
}

func (f *browserFeed) publish(topic, text string) error {
	id, err := publishOnce(http.DefaultClient, f.hub.url("/v1/topics/"+topic+"/events"), text)
	if wrong := f.ledger.published(topic, text, id, err); wrong != nil {
		f.hub.t.Error(wrong)
	}
	return err
}
