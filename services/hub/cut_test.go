package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	rsse "github.com/r3labs/sse/v2"

	"github.com/sluice-stream/sluice/services/client"
	"github.com/sluice-stream/sluice/services/wire"
)

// cutStage is a hub with three events, of which the second has 200 KiB in many
// lines, behind a proxy that cuts.
type cutStage struct {
	url    string // of the proxy
	places []int  // where to cut the large event: at all borders of its lines, and wherever
	idLine int    // where its id line begins
	last   int    // of these: between the id line and the blank line
	data   []string
}

func newCutStage(t *testing.T) *cutStage {
	h := startHub(t)
	s := &cutStage{data: []string{"first", strings.TrimSuffix(strings.Repeat(strings.Repeat("x", 10<<10-1)+"\n", 20), "\n"), "last"}}
	publish(t, h, "", nil, s.data[0])
	publish(t, h, "?type=large&key=k", header{"Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, s.data[1])
	publish(t, h, "", nil, s.data[2])
	answer, err := http.Get(h.public + "/v1/events?topic=orders&last_event_id=0")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	stream := throughLarge(answer.Body)
	event := stream[strings.Index(string(stream), string(largeBegins)):]
	borders := map[int]bool{0: true, len(event): true}
	for i, c := range event {
		if c == '\n' {
			borders[i], borders[i+1] = true, true
		}
	}
	if lines := strings.Count(string(event), "\n"); lines != 25 || !strings.Contains(string(event), "\ntraceparent: ") {
		t.Fatalf("the event has %d lines", lines)
	}
	for len(borders) < 200 {
		borders[rand.IntN(len(event))] = true
	}
	for place := range borders {
		s.places = append(s.places, place)
	}
	slices.Sort(s.places)
	s.idLine, s.last = strings.LastIndex(string(event), "\nid: ")+1, len(event)-1
	proxy := httptest.NewServer(&cutter{hub: h.public, cut: map[int]bool{}})
	t.Cleanup(proxy.Close)
	t.Cleanup(proxy.CloseClientConnections)
	s.url = proxy.URL
	return s
}

// Cut at any place of a large event, the Go client and whoever goes by the
// decoder get it all the same, once.
func TestCutAnywhere(t *testing.T) {
	t.Parallel()
	for name, follow := range map[string]func(t *testing.T, url string) []string{"client": followClient, "decoder": followDecoder} {
		t.Run(name, func(t *testing.T) {
			s := newCutStage(t)
			var following sync.WaitGroup
			for _, place := range s.places {
				following.Go(func() {
					if got := follow(t, fmt.Sprintf("%s/%d", s.url, place)); !slices.Equal(got, s.data) {
						t.Errorf("cut at %d: got %d events of %v", place, len(got), lengths(got))
					}
				})
			}
			following.Wait()
		})
	}
}

func lengths(all []string) (n []int) {
	for _, s := range all {
		n = append(n, len(s))
	}
	return n
}

func followClient(t *testing.T, url string) (got []string) {
	for e, err := range client.Subscribe(t.Context(), client.Options{URL: url, Topics: []string{"orders"}, LastEventID: "0", Spare: -1}) {
		if err != nil || e.Gap != nil {
			t.Errorf("%+v, %v", e.Gap, err)
			break
		}
		if got = append(got, e.Data); e.Data == "last" {
			break
		}
	}
	return got
}

// followDecoder presents the decoder's last id when the stream breaks.
func followDecoder(t *testing.T, url string) (got []string) {
	for last := "0"; !slices.Contains(got, "last"); {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/events?topic=orders", nil)
		if err != nil {
			t.Error(err)
			break
		}
		r.Header.Set("Last-Event-ID", last)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Error(err)
			break
		}
		d := wire.NewDecoder(answer.Body)
		for m, err := d.Next(); err == nil; m, err = d.Next() {
			if strings.HasPrefix(m.Type, wire.ControlPrefix) {
				continue
			}
			if got = append(got, m.Data); m.Data == "last" {
				break
			}
		}
		answer.Body.Close()
		if id, seen := d.LastID(); seen {
			last = id
		}
	}
	return got
}

// fetch-event-source stores an id when its line arrives. As that is an event's
// last line, there is one place left at which a cut costs it the event.
func TestCutFetchEventSource(t *testing.T) {
	t.Parallel()
	s := newCutStage(t)
	var urls []string
	for _, place := range s.places {
		urls = append(urls, fmt.Sprintf("%s/%d/v1/events?topic=orders&last_event_id=0", s.url, place))
	}
	out, err := npmScript(t, "fetch-event-source.mjs", urls...).Output()
	if err != nil {
		t.Fatalf("%v: %.1000s", err, out)
	}
	got := map[string][]int{}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %.1000s", err, out)
	}
	for i, place := range s.places {
		want := lengths(s.data)
		if place == s.last {
			want = slices.Delete(want, 1, 2)
		}
		if !slices.Equal(got[urls[i]], want) {
			t.Errorf("cut at %d of %d: got %v, want %v", place, s.last+1, got[urls[i]], want)
		}
	}
}

// r3labs/sse hands over what there is of an event that was cut short, against
// the specification: with all of its data, too. As the id is the last line, it
// comes back for the whole; but where it has a part of an id, it presents that.
func TestCutR3labs(t *testing.T) {
	t.Parallel()
	s := newCutStage(t)
	var following sync.WaitGroup
	for _, place := range s.places {
		if place > s.idLine && place <= s.last {
			continue
		}
		following.Go(func() {
			ctx, stop := context.WithTimeout(t.Context(), time.Minute)
			defer stop()
			var whole []string
			c := rsse.NewClient(fmt.Sprintf("%s/%d/v1/events?topic=orders&last_event_id=0", s.url, place),
				rsse.ClientMaxBufferSize(1<<20), func(c *rsse.Client) { c.ReconnectStrategy = soon{ctx} })
			_ = c.SubscribeRawWithContext(ctx, func(m *rsse.Event) {
				if data := string(m.Data); slices.Contains(s.data, data) {
					if whole = append(whole, data); data == "last" {
						stop()
					}
				}
			})
			if whole = slices.Compact(whole); !slices.Equal(whole, s.data) {
				t.Errorf("cut at %d of %d: whole events of %v", place, s.last+1, lengths(whole))
			}
		})
	}
	following.Wait()
}

// soon is a back-off of r3labs that ends with a context, which the library's
// own does not.
type soon struct{ ctx context.Context }

func (s soon) NextBackOff() time.Duration {
	if s.ctx.Err() != nil {
		return -1
	}
	return 10 * time.Millisecond
}

func (soon) Reset() {}

// A polyfill that sets no header puts its last id behind an address that has
// one already; the hub goes by it.
func TestPolyfillResumes(t *testing.T) {
	t.Parallel()
	s := newCutStage(t)
	out, err := npmScript(t, "polyfill.mjs", s.url+"/0/v1/events?topic=orders&last_event_id=0").Output()
	if err != nil {
		t.Fatalf("%v: %.1000s", err, out)
	}
	var got [][2]string // data and id; the large one has a type and is not among them
	if err := json.Unmarshal(out, &got); err != nil || len(got) != 2 || got[0][0] != "first" || got[1][0] != "last" || got[0][1] == "" {
		t.Errorf("%v: got %v", err, got)
	}
}

// A proxy that compresses leaves streams alone, for they say no-transform; were
// they not to, it would hold events back.
func TestCompressingProxy(t *testing.T) {
	h := startHub(t)
	first := publish(t, h, "", nil, "first")
	proxy := npmScript(t, "compressing.mjs", h.public)
	in, err := proxy.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := proxy.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := proxy.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = proxy.Wait() })
	var address string
	if _, err := fmt.Fscanln(out, &address); err != nil {
		t.Fatal(err)
	}
	ask := func(query string) *http.Response {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/v1/events?topic=orders&last_event_id=0"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", "gzip") // by hand, or net/http would undo it
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		return answer
	}
	if encoding := ask("&transform=allowed").Header.Get("Content-Encoding"); encoding != "gzip" {
		t.Errorf("the proxy does not compress at all: %q", encoding)
	}
	answer := ask("")
	if encoding := answer.Header.Get("Content-Encoding"); encoding != "" {
		t.Fatalf("the stream is %s", encoding)
	}
	d := wire.NewDecoder(io.LimitReader(answer.Body, 1<<20))
	for n, want := range []string{"", first.Data, "second"} {
		m, err := d.Next()
		if err != nil || n > 0 && m.Data != want {
			t.Fatalf("event %d: %+v, %v", n, m, err)
		}
		if n == 1 {
			publish(t, h, "", nil, "second")
		}
	}
}
