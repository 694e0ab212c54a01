package demo

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
	"github.com/sluice-stream/sluice/observability/backends/backendtest"
)

// What the demo publishes and reads in traces that are sampled is found in Loki
// by them, as what the hub says of it; so is what goes wrong. The token is in no
// line.
func TestDemoIsFoundByItsTraces(t *testing.T) {
	t.Parallel()
	loki, secrets := backendtest.Loki(t), hubtest.Secrets(t)
	hub := hubtest.Start(t, "--jwt-secret-file", filepath.Join(secrets, "jwt-secret"), "--loki-url", loki.URL("http"), "--environment", "test")
	token := filepath.Join(secrets, "demo-token")
	out := play(t, hub.URL(), "--token-file", token, "--trace-ratio", "1", "--loki-url", loki.URL("http"), "--environment", "test")
	for _, what := range []string{`"msg":"published"`, `"msg":"not published"`, `"msg":"reading"`} {
		line := hubtest.AwaitLine(t, out, what)
		hubtest.AwaitInLoki(t, loki, "demo", "test", line)
		hubtest.Await(t, "the hub's line of the same", func() bool {
			return len(hubtest.Lines(t, loki, "hub", "test", line.TraceID)) > 0
		})
	}
	hub.Kill()
	hubtest.AwaitInLoki(t, loki, "demo", "test", hubtest.AwaitLine(t, out, "does not do its part"))
	secret, err := os.ReadFile(token)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(hubtest.Lines(t, loki, "demo", "test", ""), "\n") + out.String()
	if strings.Contains(all, strings.TrimSpace(string(secret))) {
		t.Error("a line has the token")
	}
}

// Without a sample nothing is said as long as all is well.
func TestDemoIsQuiet(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t)
	out := play(t, hub.URL(), "--trace-ratio", "0")
	hubtest.Await(t, "publishes", func() bool { return hub.Metric("sse_publishes_total", `"accepted"`) > 30 })
	if lines := hubtest.Log(t, out.String()); len(lines) != 1 {
		t.Errorf("it says %s", out)
	}
}
