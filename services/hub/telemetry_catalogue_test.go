package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/observability/backends/backendtest"
	"github.com/sluice-stream/sluice/observability/catalogue"
)

// series is one line of /metrics.
type series struct {
	name   string
	labels map[string]string
}

var (
	seriesLine = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? [^ ]+$`)
	labelPair  = regexp.MustCompile(`([a-zA-Z_]+)="((?:[^"\\]|\\.)*)"`)
)

func scrape(t *testing.T, admin string) []series {
	t.Helper()
	var all []series
	_, text := get(t, admin+"/metrics")
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		m := seriesLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			t.Fatalf("not a series: %s", line)
		}
		s := series{m[1], map[string]string{}}
		for _, pair := range labelPair.FindAllStringSubmatch(m[2], -1) {
			s.labels[pair[1]] = pair[2]
		}
		all = append(all, s)
	}
	return all
}

// family returns the metric that a series belongs to, without what a histogram
// adds, and the names of its labels.
func (s series) family() (name, labels string) {
	name = s.name
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			if _, known := catalogue.Metrics()[base]; known {
				name = base
			}
		}
	}
	var names []string
	for label := range s.labels {
		if label != "le" || !strings.HasSuffix(s.name, "_bucket") {
			names = append(names, label)
		}
	}
	slices.Sort(names)
	return name, strings.Join(names, " ")
}

// Every metric of the catalogue is there after a bit of everything, with those
// labels, and no other of the hub's own; Prometheus' own linter has no word to
// say.
func TestCatalogue(t *testing.T) {
	h := startHub(t, "--topic-class", "orders=orders.*", "--releases", "stable,canary")
	someOfAll(t, h)
	seen := map[string]bool{}
	for _, s := range scrape(t, h.admin) {
		name, labels := s.family()
		if !strings.HasPrefix(name, "sse_") && !strings.HasPrefix(name, "http_") {
			continue
		}
		if want, known := catalogue.Metrics()[name].Labels[catalogue.Hub]; !known || labels != want {
			t.Errorf("%s has the labels %q, want %q (in the catalogue: %v)", name, labels, want, known)
		}
		seen[name] = true
	}
	for name, m := range catalogue.Metrics() {
		if _, ours := m.Labels[catalogue.Hub]; ours && !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
	for _, name := range []string{"process_cpu_seconds_total", "process_resident_memory_bytes", "go_goroutines", "go_sched_latencies_seconds_count",
		"go_sched_pauses_total_gc_seconds_count", "go_gc_gomemlimit_bytes", "go_memory_classes_total_bytes"} {
		metric(t, h.admin, name) // or it fails
	}
	_, text := get(t, h.admin+"/metrics")
	for name, m := range catalogue.Metrics() {
		if seen[name] && !strings.Contains(text, "# TYPE "+name+" "+m.Type+"\n") {
			t.Errorf("%s is not a %s", name, m.Type)
		}
	}
	lint := exec.Command(backendtest.Promtool(t), "check", "metrics")
	lint.Stdin = strings.NewReader(text)
	if out, err := lint.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// someOfAll does some of all that counts.
func someOfAll(t *testing.T, h *runningHub) {
	t.Helper()
	s := h.subscribe("topic=orders&heartbeat=pong", "")
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/v1/topics/orders/events", "x", 201},
		{"POST", "/v1/topics/orders/events?type=stream.x", "x", 400},
		{"POST", "/v1/connections/n1-0/pong", "{}", 400},
		{"GET", "/v1/events", "", 400},
		{"GET", "/nowhere", "", 404},
	} {
		answer, text := ask(t, http.DefaultClient, c.method, h.public+c.path, c.body, nil)
		if answer.StatusCode != c.status {
			t.Fatalf("%s %s: %s %s", c.method, c.path, answer.Status, text)
		}
	}
	if _, err := s.Next(); err != nil {
		t.Fatal(err)
	}
	h.subscribe("topic=orders", "1-0") // a gap
	await(t, "the gap", func() bool { return metric(t, h.admin, "sse_gaps_total") > 0 })
	answer, _ := ask(t, http.DefaultClient, "GET", h.public+"/", "", header{"X-Heartbeat": "true"})
	if answer.Header.Get("X-Health-Score") == "" {
		t.Error("the health probe is not answered")
	}
}

// Whatever a client sends, no word of it becomes a label.
func TestClientsChooseNoLabels(t *testing.T) {
	h := startHub(t, "--topic-class", "orders=orders.*", "--max-topics", "0")
	const mark = "zzmark"
	word := func() string { return mark + fmt.Sprint(rand.IntN(1e6)) }
	before := len(scrape(t, h.admin))
	deadline := time.Now().Add(3 * time.Second)
	for n := 0; n < 500 && time.Now().Before(deadline); n++ {
		q := url.Values{"topic": {word(), "orders." + word()}, "release": {word()}, "client_id": {word()}, "heartbeat": {word()}, "type": {word()}, "key": {word()}}
		if rand.IntN(2) == 0 {
			q.Del("heartbeat")
		}
		paths := []string{"/v1/events?" + q.Encode(), "/v1/topics/" + word() + "/events?type=" + word(), "/v1/topics/orders." + word() + "/events",
			"/v1/connections/" + word() + "/pong", "/" + word(), "/v1/" + word() + "/" + word()}
		method := []string{"GET", "POST", "HEAD", "DELETE", "OPTIONS", strings.ToUpper(word())}[rand.IntN(6)]
		talk(t, strings.TrimPrefix(h.public, "http://"), method, paths[rand.IntN(len(paths))], map[string]string{
			"X-Release-Version": word(), "X-Event-Type": word(), "X-Event-Key": word(), "Idempotency-Key": word(), "User-Agent": word(),
			"Authorization": "Bearer " + word(), "Traceparent": word(), "Baggage": "release=" + word(), "Tracestate": word() + "=1", "Origin": "http://" + word(),
		})
	}
	all := scrape(t, h.admin)
	for _, s := range all {
		for label, value := range s.labels {
			if strings.Contains(strings.ToLower(value), mark) {
				t.Errorf("%s has %s=%q", s.name, label, value)
			}
		}
	}
	if grown := len(all) - before; grown > 1500 { // routes times statuses of ours, with their buckets
		t.Errorf("there are %d series more", grown)
	}
}

// talk sends one request and reads the beginning of the answer.
func talk(t *testing.T, address, method, target string, headers map[string]string) {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n", method, target, address)
	for name, value := range headers {
		if rand.IntN(3) > 0 && !(name == "Origin" && method == "POST") {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	b.WriteString("\r\n")
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	if _, err := c.Write([]byte(b.String())); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 512)); err != nil {
		t.Errorf("%s %s: %v", method, target, err)
	}
}
