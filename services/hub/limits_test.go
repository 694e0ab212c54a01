package main

import (
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// As many topics as may be come into being, each with its event; one more is
// refused, and those that exist go on. The durable store still has all of
// them after a restart.
func TestTenThousandTopics(t *testing.T) {
	t.Parallel()
	const topics = 10_000
	name := func(i int) string { return fmt.Sprintf("topic-%d", i) }
	full := func(t *testing.T, h *runningHub) {
		t.Helper()
		r, err := http.NewRequest("POST", h.public+"/v1/topics/one-more/events", strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		checkProblem(t, r, 429, "topic-limit")
		publish(t, h, "", nil, "again") // to orders, which is one of them
		if n := metric(t, h.admin, `sse_topics{tier="store"}`); n != topics {
			t.Errorf("there are %.0f topics", n)
		}
		for i := 1; i < topics; i += topics / 50 {
			if m, err := h.subscribe("topic="+name(i), "0").Next(); err != nil || m.Data != name(i) {
				t.Errorf("%s has %+v, %v", name(i), m, err)
			}
		}
	}
	for _, store := range []string{"memory", "disk"} {
		t.Run(store, func(t *testing.T) {
			settings := []string{"--store", store, "--data", t.TempDir(), "--max-topics", "10000"}
			h := startHub(t, settings...)
			publish(t, h, "", nil, "first")
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			defer client.CloseIdleConnections()
			var publishers sync.WaitGroup
			for p := range 64 {
				publishers.Go(func() {
					for i := 1 + p; i < topics; i += 64 {
						if _, err := publishOnce(client, h.public+"/v1/topics/"+name(i)+"/events", name(i)); err != nil {
							t.Errorf("%s: %v", name(i), err)
						}
					}
				})
			}
			publishers.Wait()
			full(t, h)
			if store == "disk" {
				if err := h.stop(); err != nil {
					t.Fatal(err)
				}
				full(t, startHub(t, settings...))
			}
		})
	}
}

// Where the limit of open files is the bound, the hub says so to those who
// come too late, goes on with the streams that it has, and keeps room for
// publishers and operators.
func TestFileLimit(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such limit")
	}
	var parts atOnce
	defer parts.Wait()
	for _, cores := range []string{"2", "32"} { // each has a delivery loop, with files of its own
		parts.run(t, cores+" cores", func(t *testing.T) { testFileLimit(t, "GOMAXPROCS="+cores) })
	}
}

func testFileLimit(t *testing.T, env string) {
	const files, late = 300, 60
	p := &hubProcess{t: t, env: []string{env}, public: programtest.FreeAddress(t), admin: programtest.FreeAddress(t),
		wrapper:  []string{"sh", "-c", fmt.Sprintf(`ulimit -n %d && exec "$@"`, files), "sh"},
		settings: []string{"--store", "disk", "--data", t.TempDir()}}
	t.Cleanup(p.kill)
	p.start()

	var open []*rawStream
	for {
		s := rawSubscribe(t, p.public)
		if s == nil {
			break
		}
		if open = append(open, s); len(open) > files {
			t.Fatal("more streams than files")
		}
	}
	if len(open) < files/2 {
		t.Errorf("only %d streams with %d files", len(open), files)
	}
	// Those who are refused and stay connected don't use up what is left.
	for range late {
		if rawSubscribe(t, p.public) != nil {
			t.Fatal("a stream over the limit")
		}
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	deliver := func(data string) {
		t.Helper()
		if _, err := publishOnce(client, p.url("/v1/topics/orders/events"), data); err != nil {
			t.Fatal(err)
		}
		for i, s := range open {
			if m, err := s.Next(); err != nil || m.Data != data {
				t.Fatalf("stream %d of %d got %+v, %v", i, len(open), m, err)
			}
		}
	}
	deliver("full")
	if n := p.metric(`sse_connections{release="stable"}`); int(n) != len(open) {
		t.Errorf("%.0f connections are counted, %d are open", n, len(open))
	}

	const leaving = 20
	for _, s := range open[:leaving] {
		s.Close()
	}
	await(t, "room", func() bool { return int(p.metric(`sse_connections{release="stable"}`)) == len(open)-leaving })
	open = open[leaving:]
	for range leaving {
		s := rawSubscribe(t, p.public)
		if s == nil {
			t.Fatal("a stream is refused although there is room")
		}
		open = append(open, s)
	}
	deliver("full again")
}

// A position in as many topics as a connection may have, with the longest
// names and ids, fits into the head of a request beside a token, also where it
// stands in the address too; what is much longer is refused.
func TestHeaderLimit(t *testing.T) {
	h := startHub(t, "--max-topics-per-connection", "0")
	var query, position string
	for i := range 64 {
		name := fmt.Sprintf("%0128d", i)
		query += "&topic=" + name
		position += "," + name + "@18446744073709551615-18446744073709551615"
	}
	query += "&last_event_id=" + url.QueryEscape(position[1:])
	for _, row := range []struct {
		more          string
		extra, status int
	}{{"", 0, 200}, {"", 8 << 10, 200}, {"", 40 << 10, 431}, {"&topic=65", 0, 400}} {
		r, err := http.NewRequest("GET", h.public+"/v1/events?"+query[1:]+row.more, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Last-Event-ID", position[1:])
		r.Header.Set("Authorization", "Bearer "+strings.Repeat("x", row.extra))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != row.status {
			t.Errorf("with %q and %d bytes more: %s", row.more, row.extra, answer.Status)
		}
	}
}
