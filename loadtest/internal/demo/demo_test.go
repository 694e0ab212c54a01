package demo

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

func TestMain(m *testing.M) { hubtest.Main(m) }

func noEnv(string) string { return "" }

// play runs a demo until the test ends, and checks that it ends in order.
func play(t *testing.T, url string, settings ...string) *programtest.Output {
	t.Helper()
	out := &programtest.Output{}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, append([]string{"--url", url}, settings...), noEnv, out) }()
	t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("the demo ended with %v", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("the demo does not end")
		}
	})
	return out
}

// The demo gives every figure of the hub something to show.
func TestDemoShowsEverything(t *testing.T) {
	t.Parallel()
	secrets := hubtest.Secrets(t)
	hub := hubtest.Start(t, "--jwt-secret-file", filepath.Join(secrets, "jwt-secret"), "--write-timeout", "2s", "--ping-interval", "500ms", "--pong-timeout", "500ms",
		"--retention-events", "200", "--releases", "stable,canary", "--topic-class", "orders=orders.*,payments=payments.*,chat=chat.*", "--trace-exporter", "none")
	token := filepath.Join(secrets, "demo-token")
	// Who strays before all that is kept comes twice a minute: it is to find a gap
	// the first time.
	publishLines(t, hub.URL(), token, "orders.us", 300)
	hubtest.Await(t, "some are gone", func() bool { return hub.Metric("sse_resume_headroom_seconds", `"orders"`) < 3600 })
	out := play(t, hub.URL(), "--token-file", token, "--rate", "100")
	behind := false
	hubtest.Await(t, "a stream that is behind", func() bool {
		behind = behind || hub.Metric("sse_behind_connections", `"other"`) > 0
		return behind
	})
	for _, want := range [][]string{
		{"sse_publishes_total", `"accepted"`, `"orders"`}, {"sse_publishes_total", `"accepted"`, `"payments"`}, {"sse_publishes_total", `"accepted"`, `"chat"`},
		{"sse_publishes_total", `"duplicate"`}, {"sse_publishes_total", `"invalid"`},
		{"sse_connects_total", `"live"`, `"stable"`}, {"sse_connects_total", `"live"`, `"canary"`}, {"sse_connects_total", `"replay"`},
		{"sse_connects_total", `"gap"`}, {"sse_connects_total", `"ahead"`},
		{"sse_gaps_total", `"expired"`}, {"sse_gaps_total", `"ahead"`},
		{"sse_rejects_total", `"invalid"`}, {"sse_rejects_total", `"unauthorized"`},
		{"sse_disconnects_total", `"client"`}, {"sse_disconnects_total", `"pong_timeout"`}, {"sse_disconnects_total", `"write_timeout"`},
		{"sse_deliveries_total", `"live"`}, {"sse_deliveries_total", `"replay"`}, {"sse_write_stalls_total"},
		{"sse_ping_rtt_seconds_count"}, {"sse_pings_missed_total"}, {"sse_health_score_count"}, {"sse_fanout_seconds_count", `"orders"`},
		{"sse_connections", `"healthy"`, `"canary"`}, {"sse_replay_duration_seconds_count"},
	} {
		hubtest.Await(t, strings.Join(want, " "), func() bool { return hub.Metric(want[0], want[1:]...) > 0 })
	}
	if n := hub.Metric("sse_gaps_total", `"early"`) + hub.Metric("sse_gaps_total", `"damaged"`); n > 0 {
		t.Errorf("%v gaps are the hub's fault", n)
	}
	if text := out.String(); strings.Contains(text, `"level":"WARN"`) {
		t.Errorf("it complains:\n%s", text)
	}
}

// publishLines publishes so many events in one batch.
func publishLines(t *testing.T, hub, tokenFile, topic string, events int) {
	t.Helper()
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest("POST", hub+"/v1/topics/"+topic+"/events", strings.NewReader(strings.Repeat(`{"data":"x"}`+"\n", events)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the batch was answered %s", answer.Status)
	}
}

// A hub that is away is waited for, without much ado.
func TestDemoOutlivesTheHub(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t)
	out := play(t, hub.URL(), "--trace-ratio", "0")
	accepted := func() bool { return hub.Metric("sse_publishes_total", `"accepted"`) > 20 }
	hubtest.Await(t, "publishes", accepted)
	hub.Kill()
	hubtest.Await(t, "it is noticed", func() bool { return strings.Contains(out.String(), "does not do its part") })
	hub.Restart()
	hubtest.Await(t, "it goes on", func() bool { return strings.Contains(out.String(), "going on") && accepted() })
	if n := strings.Count(out.String(), "\n"); n > 12 {
		t.Errorf("%d lines about one absence:\n%s", n, out)
	}
}

// Without faults nothing is refused and nobody is thrown out.
func TestDemoWithoutFaults(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t)
	play(t, hub.URL(), "--faults=false", "--rate", "50")
	hubtest.Await(t, "publishes", func() bool { return hub.Metric("sse_publishes_total", `"accepted"`) > 100 })
	if n := hub.Metric("sse_rejects_total") + hub.Metric("sse_publishes_total", `"invalid"`) + hub.Metric("sse_publishes_total", `"duplicate"`) + hub.Metric("sse_gaps_total"); n > 0 {
		t.Errorf("%v faults", n)
	}
}

func TestSettings(t *testing.T) {
	for text, want := range map[string]string{
		"--rate 0":                      "more than 0",
		"--rate 1000":                   "100 at most",
		"--rate NaN":                    "more than 0",
		"--trace-ratio -1":              "between 0 and 1",
		"--url nowhere":                 "is not the address of a hub",
		"--token-file /nowhere/file/is": "hub token",
		"--loki-url loki:3100":          "--loki-url: the address of Loki",
		"--environment=":                "--environment",
		"now":                           "is too much",
		"--nonsense":                    "loadtest demo --help",
	} {
		if err := Run(t.Context(), strings.Fields(text), noEnv, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	env := func(name string) string { return map[string]string{"LOADTEST_RATE": "lots"}[name] }
	if err := Run(t.Context(), nil, env, io.Discard); err == nil || !strings.Contains(err.Error(), "LOADTEST_RATE") {
		t.Errorf("%v", err)
	}
	var out bytes.Buffer
	if err := Run(t.Context(), []string{"--help"}, noEnv, &out); !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), "--faults") || !strings.Contains(out.String(), "--loki-url") {
		t.Errorf("%v %s", err, &out)
	}
}
