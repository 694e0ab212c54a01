package probe

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-stream/sluice/loadtest/internal/hubtest"
	"github.com/sluice-stream/sluice/loadtest/internal/logging"
	"github.com/sluice-stream/sluice/loadtest/internal/target"
	"github.com/sluice-stream/sluice/observability/backends/backendtest"
	"github.com/sluice-stream/sluice/observability/backends/programtest"
)

// Of a sampled round there is a line in Loki, as there is the hub's; so there is
// of one that failed, sampled or not. The token is in none.
func TestRoundsAreFoundByTheirTraces(t *testing.T) {
	t.Parallel()
	loki, secrets := backendtest.Loki(t), hubtest.Secrets(t)
	hub := hubtest.Start(t, "--jwt-secret-file", filepath.Join(secrets, "jwt-secret"), "--loki-url", loki.URL("http"), "--environment", "test")
	token := filepath.Join(secrets, "prober-token")
	settings := append([]string{"--token-file", token, "--loki-url", loki.URL("http"), "--environment", "test"}, quickly...)
	sampled := startProber(t, hub.URL(), append(settings, "--trace-ratio", "1")...)
	unsampled := startProber(t, hub.URL(), append(settings, "--trace-ratio", "0")...)

	for _, what := range []string{"the round succeeded", "the stream is open"} {
		line := hubtest.AwaitLine(t, &sampled.out, what)
		hubtest.AwaitInLoki(t, loki, "prober", "test", line)
		hubtest.Await(t, "the hub's line of the same", func() bool {
			return len(hubtest.Lines(t, loki, "hub", "test", line.TraceID)) > 0
		})
	}
	if text := unsampled.out.String(); strings.Contains(text, "the round succeeded") {
		t.Errorf("rounds that are not sampled have lines:\n%s", text)
	}
	hub.Kill()
	for _, p := range []*prober{sampled, unsampled} {
		for _, what := range []string{"publishing fails", "the round failed", "the stream fails"} {
			hubtest.AwaitInLoki(t, loki, "prober", "test", hubtest.AwaitLine(t, &p.out, what))
		}
	}
	for _, line := range hubtest.Log(t, sampled.out.String()+unsampled.out.String()) {
		if (line.TraceID == "") != (line.Message == "probing") {
			t.Errorf("a line has a trace, or has none: %s", line.Text)
		}
	}
	secret, err := os.ReadFile(token)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(hubtest.Lines(t, loki, "prober", "test", ""), "\n") + sampled.out.String()
	if strings.Contains(all, strings.TrimSpace(string(secret))) {
		t.Error("a line has the token")
	}
}

// A Loki that takes a push and never answers is felt by no round, and not by the
// end, of which startProber has an eye.
func TestLokiThatHangs(t *testing.T) {
	t.Parallel()
	hub := hubtest.Start(t)
	over := make(chan struct{})
	asked := make(chan struct{}, 1)
	loki := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case asked <- struct{}{}:
		default:
		}
		<-over
	}))
	t.Cleanup(func() {
		close(over)
		loki.Close()
	})
	p := startProber(t, hub.URL(), "--interval", "250ms", "--timeout", "20s", "--trace-ratio", "1", "--loki-url", loki.URL)
	<-asked
	p.awaitGood()
	if n := p.metric("sse_probe_failures_total"); n > 0 {
		t.Errorf("%v rounds failed: %s", n, &p.out)
	}
}

// However many rounds fail, few have lines, and those say how many have none;
// sampled ones have one.
func TestFailuresThatGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out programtest.Output
		log, end, err := (&logging.Options{Environment: "test"}).Open(&out, "prober")
		if err != nil {
			t.Fatal(err)
		}
		rounds := newRounds(newMetrics(prometheus.NewRegistry(), []string{"orders"}).of("orders"), log)
		const all, each = 600, 100 // one a second, and those that are sampled
		for n := range all {
			rounds.failed(&round{trace: target.Trace{ID: strconv.Itoa(n), Sampled: n%each == 0}, refused: errors.New("no")}, failedPublish)
			time.Sleep(time.Second)
		}
		end()
		lines := hubtest.Log(t, out.String())
		if most := failuresAtOnce + all*int(time.Second)/int(failuresEvery) + all/each; len(lines) < 50 || len(lines) > most {
			t.Errorf("%d lines, %d are the most", len(lines), most)
		}
		told := rounds.leftOut + len(lines)
		for _, m := range regexp.MustCompile(`"left_out":(\d+)`).FindAllStringSubmatch(out.String(), -1) {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			told += n
		}
		if told != all {
			t.Errorf("the lines tell of %d rounds of %d", told, all)
		}
		for n := 0; n < all; n += each {
			if !strings.Contains(out.String(), `"trace_id":"`+strconv.Itoa(n)+`"`) {
				t.Errorf("the sampled round %d has no line", n)
			}
		}
	})
}
