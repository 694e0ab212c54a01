package logs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
	"github.com/sluice-stream/sluice/observability/outbox"
)

// The tests here are with a real Loki.

const trace = "4bf92f3577b34da6a3ce929d0e0e4736"

// A burst arrives completely, as it was printed; a line is found by its trace;
// there are no other labels.
func TestLoki(t *testing.T) {
	t.Parallel()
	loki := backendtest.Loki(t)
	const burst = 8000
	var out bytes.Buffer
	l, a := begin(t, loki.URL("http"), &out, defaultPace())
	logger := l.Logger().With("release", "stable")
	logger.Warn("the one", "event_type", "sse_gap", "trace_id", trace, "span_id", "00f067aa0ba902b7", "topic", "orders")
	logMany(l, burst)
	logger.Error("publish failed", "event_type", "sse_error", "trace_id", "00000000000000000000000000000001")
	closeWithin(t, l, time.Minute)
	if sent, dropped := a.awaitAll(t, burst+2); sent != burst+2 {
		t.Errorf("%d sent, %v dropped", sent, dropped)
	}
	if own := sentByItsOwnAccount(t, loki.Address("http")); own != burst+2 {
		t.Errorf("the client counts %v lines as sent", own)
	}
	printed := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")

	found := query(t, loki, `{service_name="hub"} | trace_id="`+trace+`"`)
	if len(found) != 1 || found[0].line != printed[0] {
		t.Fatalf("found %v, want %s", found, printed[0])
	}
	labels := found[0].labels
	if labels["level"] != "warn" || labels["env"] != "test" || labels["span_id"] != "00f067aa0ba902b7" {
		t.Errorf("labels and metadata %v", labels)
	}
	var fields struct{ Time time.Time }
	if err := json.Unmarshal([]byte(found[0].line), &fields); err != nil || !fields.Time.Equal(found[0].at) {
		t.Errorf("Loki's time %v, the line's %v (%v)", found[0].at, fields.Time, err)
	}

	var all []string
	for _, f := range query(t, loki, `{service_name="hub"}`) {
		all = append(all, f.line)
	}
	slices.Sort(all)
	slices.Sort(printed)
	if !slices.Equal(all, printed) {
		t.Errorf("%d lines in Loki, %d printed, or others", len(all), len(printed))
	}
	var known struct{ Data []string }
	get(t, loki.URL("http")+"/loki/api/v1/labels", &known)
	if !slices.Equal(known.Data, []string{"env", "level", "service_name"}) {
		t.Errorf("labels %v", known.Data)
	}
}

// While Loki is away lines wait, and arrive when it is back; what it missed
// beyond that is counted.
func TestLokiRestarts(t *testing.T) {
	t.Parallel()
	loki := backendtest.Loki(t)
	p := defaultPace()
	p.tries, p.wait = 4, 50*time.Millisecond
	var out bytes.Buffer
	l, a := begin(t, loki.URL("http"), &out, p)
	logMany(l, 100)
	eventually(t, "Loki to take lines", func() bool { sent, _ := a.snapshot(); return sent == 100 })
	loki.Stop()
	logMany(l, 200)
	eventually(t, "lines to be given up", func() bool {
		_, dropped := a.snapshot()
		return dropped[outbox.Unavailable] == 200
	})
	loki.Start()
	logMany(l, 300)
	closeWithin(t, l, time.Minute)
	if sent, dropped := a.awaitAll(t, 600); sent != 400 || dropped[outbox.Unavailable] != 200 {
		t.Errorf("%d sent, %v dropped", sent, dropped)
	}
	if found := query(t, loki, `{service_name="hub"}`); len(found) != 400 {
		t.Errorf("%d lines in Loki", len(found))
	}
	if text := out.String(); !strings.Contains(text, "does not take the log") || !strings.Contains(text, "takes the log again") {
		t.Error("standard output does not say that it was away and is back")
	}
}

// What Loki itself refuses is counted so, and what comes after arrives; a line
// that is pushed again, since the answer was lost, is there once.
func TestLokiRefuses(t *testing.T) {
	t.Parallel()
	loki := backendtest.Loki(t)
	l, a := begin(t, loki.URL("http"), &bytes.Buffer{}, defaultPace())
	l.loki.Put(`{"time":"2020-01-02T03:04:05Z","level":"INFO","msg":"older than it keeps"}`)
	eventually(t, "it to be refused", func() bool { _, dropped := a.snapshot(); return dropped[outbox.Rejected] == 1 })
	again := fmt.Sprintf(`{"time":%q,"level":"INFO","msg":"again","trace_id":%q}`, time.Now().Format(time.RFC3339Nano), trace)
	for n := range 2 {
		l.loki.Put(again)
		eventually(t, "it to be pushed", func() bool { sent, _ := a.snapshot(); return sent == n+1 })
	}
	logMany(l, 10)
	closeWithin(t, l, time.Minute)
	if sent, _ := a.awaitAll(t, 13); sent != 12 {
		t.Errorf("%d sent", sent)
	}
	if found := query(t, loki, `{service_name="hub"}`); len(found) != 11 {
		t.Errorf("%d lines in Loki, want 11", len(found))
	}
}

// entry is a line in Loki.
type entry struct {
	at     time.Time
	line   string
	labels map[string]string // and metadata
}

// query returns all lines of a query, page by page.
func query(t *testing.T, loki *backendtest.Backend, q string) (all []entry) {
	t.Helper()
	const page = 5000
	from := time.Now().Add(-time.Hour).UnixNano()
	for {
		var answer struct {
			Data struct {
				Result []struct {
					Stream map[string]string
					Values [][2]string
				}
			}
		}
		get(t, loki.URL("http")+"/loki/api/v1/query_range?"+url.Values{
			"query": {q}, "direction": {"forward"}, "limit": {strconv.Itoa(page)}, "start": {strconv.FormatInt(from, 10)},
		}.Encode(), &answer)
		n := 0
		for _, r := range answer.Data.Result {
			for _, v := range r.Values {
				at, err := strconv.ParseInt(v[0], 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				from = max(from, at+1)
				all = append(all, entry{time.Unix(0, at), v[1], r.Stream})
				n++
			}
		}
		if n < page {
			return all
		}
	}
}

func get(t *testing.T, from string, into any) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(from)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", from, response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		t.Fatal(err)
	}
}

// sentByItsOwnAccount reads the counter of loki-client-go, which is on the
// default registry.
func sentByItsOwnAccount(t *testing.T, host string) float64 {
	t.Helper()
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "promtail_sent_entries_total" && strings.Contains(fmt.Sprint(m.GetLabel()), `"`+host+`"`) {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
